package org.lora4j.jmh;

import org.lora4j.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** The products of a linear layer: x (rows, in), W (out, in), g (rows, out). */
public class ProductsBenchmark extends MillisecondsBenchmark {

    /** rows × in × out. */
    @Param({"512x768x768", "512x768x3072", "512x3072x768", "1024x1024x1024"})
    public String size;

    private Tensor x;
    private Tensor w;
    private Tensor frozen;
    private Tensor g;
    private Tensor y;
    private Tensor dx;
    private Tensor dw;

    @Setup
    public void fill(BackendState backend) {
        int[] sizes = sizes(size);
        int rows = sizes[0];
        int in = sizes[1];
        int out = sizes[2];
        x = backend.random(rows, in);
        w = backend.random(out, in);
        frozen = backend.random(out, in);
        backend.get().freeze(frozen);
        g = backend.random(rows, out);
        y = backend.zeros(rows, out);
        dx = backend.zeros(rows, in);
        dw = backend.zeros(out, in);
    }

    @Benchmark
    public void forward(BackendState backend) {
        backend.get().matmul(x.matrix(), w.matrix().t(), y.matrix(), 1, 0);
    }

    @Benchmark
    public void forwardFrozen(BackendState backend) {
        backend.get().matmul(x.matrix(), frozen.matrix().t(), y.matrix(), 1, 0);
    }

    @Benchmark
    public void inputGradient(BackendState backend) {
        backend.get().matmul(g.matrix(), w.matrix(), dx.matrix(), 1, 0);
    }

    @Benchmark
    public void weightGradient(BackendState backend) {
        backend.get().matmul(g.matrix().t(), x.matrix(), dw.matrix(), 1, 0);
    }
}
