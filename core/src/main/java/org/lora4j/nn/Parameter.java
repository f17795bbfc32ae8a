package org.lora4j.nn;

import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A named tensor of a model, frozen or trainable. Only a trainable one has a gradient: a frozen weight never gets a
 * buffer for it.
 *
 * <p>What belongs to a pretrained base is never written. Where a method trains one of its tensors all the same (a bias,
 * or everything in full fine-tuning), {@link #trainCopy} puts a copy in its place, and {@link #restore} puts the base's
 * own back, bit for bit.
 */
public final class Parameter {

    private final String name;
    private final Backend backend;
    private final Tensor base;
    private Tensor value;
    private @Nullable Tensor gradient;
    private boolean copied;

    /**
     * @param name  the tensor's name in the model, such as {@code transformer.h.0.attn.c_attn.weight}
     * @param value its content, on {@code backend}
     */
    public Parameter(String name, Backend backend, Tensor value) {
        this.name = name;
        this.backend = backend;
        this.base = value;
        this.value = value;
    }

    /** A frozen parameter of zeros. */
    public static Parameter zeros(String name, Backend backend, Shape shape) {
        return new Parameter(name, backend, backend.allocate(shape));
    }

    public String name() {
        return name;
    }

    /** Where its tensors are. */
    public Backend backend() {
        return backend;
    }

    public Tensor value() {
        return value;
    }

    /** The value it was made with, whatever is in its place now. */
    public Tensor baseValue() {
        return base;
    }

    public Shape shape() {
        return value.shape();
    }

    public long size() {
        return value.size();
    }

    public boolean isTrainable() {
        return gradient != null;
    }

    /** The sum of ∂L/∂value since the last {@link #clearGradient}; null while frozen. */
    public @Nullable Tensor gradient() {
        return gradient;
    }

    /** Makes this parameter trainable, with a gradient of zeros. */
    public Parameter train() {
        if (gradient == null) {
            gradient = backend.allocate(value.shape());
        }
        return this;
    }

    /** Makes this parameter frozen and lets go of the gradient's memory. */
    public Parameter freeze() {
        gradient = null;
        return this;
    }

    /**
     * Makes this parameter trainable on a copy of its value, so that the tensor it has stays as it is, be it the base's or
     * one that was put in its place by {@link #use}. Called again, it makes no second copy: the first one goes on training.
     */
    public Parameter trainCopy() {
        if (!copied) {
            Tensor copy = backend.allocate(base.shape());
            backend.copy(value.matrix(), copy.matrix());
            value = copy;
            copied = true;
        }
        return train();
    }

    /**
     * Puts another tensor in the place of the base's, which stays as it is: what an adapter that was trained with {@link
     * #trainCopy} does when it is switched on. {@link #restore} takes it out again.
     */
    public Parameter use(Tensor other) {
        if (!other.shape().equals(base.shape())) {
            throw new IllegalArgumentException(name + base.shape() + " cannot use a tensor of shape " + other.shape());
        }
        value = other;
        copied = false;
        return this;
    }

    /** Takes back {@link #trainCopy}, {@link #use} and {@link #train}: frozen, with the value it was made with. */
    public Parameter restore() {
        value = base;
        copied = false;
        return freeze();
    }

    /** gradient ← 0, where there is one. */
    public void clearGradient() {
        if (gradient != null) {
            backend.fill(gradient, 0);
        }
    }

    @Override
    public String toString() {
        return name + value.shape() + (isTrainable() ? " trainable" : " frozen");
    }
}
