package org.lora4j.jmh;

import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Layer normalisation of x (rows, width). */
public class LayerNormBenchmark extends MillisecondsBenchmark {

    @Param("512")
    public int rows;

    @Param({"256", "768", "1600"})
    public int width;

    private Tensor x;
    private Norm norm;
    private Tensor y;
    private NormStatistics statistics;
    private Tensor dy;
    private Tensor dx;
    private Tensor dgamma;
    private Tensor dbeta;

    @Setup
    public void fill(BackendState backend) {
        x = backend.random(rows, width);
        norm = Norm.layer(
                backend.random(1, width).as(Shape.of(width)), backend.random(1, width).as(Shape.of(width)), 1e-5);
        dy = backend.random(rows, width);
        y = backend.zeros(rows, width);
        dx = backend.zeros(rows, width);
        statistics = new NormStatistics(
                backend.zeros(1, rows).as(Shape.of(rows)), backend.zeros(1, rows).as(Shape.of(rows)));
        dgamma = backend.zeros(1, width).as(Shape.of(width));
        dbeta = backend.zeros(1, width).as(Shape.of(width));
        forward(backend);
    }

    @Benchmark
    public void forward(BackendState backend) {
        backend.get().norm(norm, x, y, statistics);
    }

    /** As in LoRA training, where gamma and beta are frozen. It adds to dx, which stays far from overflowing. */
    @Benchmark
    public void backwardFrozen(BackendState backend) {
        backend.get().normBackward(norm, statistics, x, dy, dx, null, null);
    }

    @Benchmark
    public void backward(BackendState backend) {
        backend.get().normBackward(norm, statistics, x, dy, dx, dgamma, dbeta);
    }
}
