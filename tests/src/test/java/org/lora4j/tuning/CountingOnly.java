package org.lora4j.tuning;

import org.lora4j.backend.ForwardingBackend;
import org.lora4j.backend.WeightType;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Tensors with a shape and no memory, and nothing is computed: so that models can be counted that do not fit. */
final class CountingOnly extends ForwardingBackend {

    private record Nothing(long capacity) implements Buffer {
    }

    CountingOnly() {
        super(new ReferenceBackend());
    }

    @Override
    public Tensor allocate(Shape shape) {
        return new Tensor(shape, new Nothing(shape.size()));
    }

    @Override
    public Tensor allocateWeight(Shape shape, WeightType type) {
        return allocate(shape);
    }

    @Override
    public void copy(MatrixView from, MatrixView to) {
    }

    @Override
    public void fill(Tensor tensor, double value) {
    }

    @Override
    public void close() {
    }
}
