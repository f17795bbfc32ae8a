package org.lora4j.jmh;

import java.util.concurrent.TimeUnit;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Layer normalisation of x (rows, width). */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class LayerNormBenchmark {

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
