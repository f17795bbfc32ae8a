package org.lora4j.nn;

import java.util.List;

/**
 * A named place in a model that holds a module, and where a method can put another: that is how LoRA wraps a linear map
 * without the Transformer knowing.
 *
 * @param <M> the kind of module that fits
 */
public final class Slot<M extends Layer> implements Layer {

    private final String name;
    private final List<String> parts;
    private M module;

    /**
     * @param name   the module's name as Hugging Face writes it, such as {@code transformer.h.0.attn.c_attn}
     * @param parts  the names of the equal parts along its outputs if it is a fused map, such as q, k, v; else empty
     * @param module what is there at first
     */
    public Slot(String name, List<String> parts, M module) {
        this.name = name;
        this.parts = List.copyOf(parts);
        this.module = module;
    }

    public Slot(String name, M module) {
        this(name, List.of(), module);
    }

    public String name() {
        return name;
    }

    public List<String> parts() {
        return parts;
    }

    public M get() {
        return module;
    }

    public void set(M other) {
        module = other;
    }

    @Override
    public List<Parameter> parameters() {
        return module.parameters();
    }
}
