package org.lora4j.jmh;

import java.util.concurrent.TimeUnit;
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

/** The products of a linear layer: x (rows, in), W (out, in), g (rows, out). */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class ProductsBenchmark {

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
        String[] sizes = size.split("x");
        int rows = Integer.parseInt(sizes[0]);
        int in = Integer.parseInt(sizes[1]);
        int out = Integer.parseInt(sizes[2]);
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
