package org.lora4j.jmh;

import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Precision;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A backend by its name, and tensors of it. */
@State(Scope.Benchmark)
public class BackendState {

    @Param({"reference", "cpu"})
    public String backend;

    /** 0 for one per core. */
    @Param("0")
    public int threads;

    private Backend opened;
    private int tensors;

    @Setup(Level.Trial)
    public void open() {
        opened = Backends.create(backend, new BackendOptions(threads, Precision.STRICT));
    }

    @TearDown(Level.Trial)
    public void close() {
        opened.close();
    }

    Backend get() {
        return opened;
    }

    Tensor zeros(int rows, int columns) {
        return opened.allocate(Shape.of(rows, columns));
    }

    /** Numbers from −1 to 1, others in each tensor. */
    Tensor random(int rows, int columns) {
        Tensor tensor = zeros(rows, columns);
        float[] values = new float[rows * columns];
        new Philox(1).fillUniform(values, -1, 1, tensors++, Philox.site("jmh"));
        opened.upload(values, tensor);
        return tensor;
    }
}
