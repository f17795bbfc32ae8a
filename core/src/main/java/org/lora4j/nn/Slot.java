package org.lora4j.nn;

import java.util.List;

/**
 * A named place in a model that holds a layer, and where a method can put another: that is how LoRA wraps a linear map
 * without the Transformer knowing.
 *
 * @param <M> the kind of layer that fits
 */
public final class Slot<M extends Layer> implements Layer {

    /** The block number of a place that is in no block. */
    public static final int NO_BLOCK = -1;

    private final String name;
    private final Role role;
    private final int block;
    private final List<FusedPart> parts;
    private M layer;

    /**
     * A place in a model that holds a layer, at first its own.
     *
     * @param name  the layer's name as Hugging Face writes it, such as {@code transformer.h.0.attn.c_attn}
     * @param role  what it does
     * @param block the number of the Transformer block it is in, counted from 0, or {@link #NO_BLOCK}
     * @param parts the parts of its outputs if it is a fused map, such as q, k, v; else empty
     * @param layer what is there at first
     */
    public Slot(String name, Role role, int block, List<FusedPart> parts, M layer) {
        this.name = name;
        this.role = role;
        this.block = block;
        this.parts = List.copyOf(parts);
        this.layer = layer;
    }

    /** A place that is in no block and is not fused. */
    public Slot(String name, Role role, M layer) {
        this(name, role, NO_BLOCK, List.of(), layer);
    }

    /** The layer's name as Hugging Face writes it. */
    public String name() {
        return name;
    }

    /** The name of something beside this place: its own with another last word. */
    public String beside(String word) {
        return name.substring(0, name.lastIndexOf('.') + 1) + word;
    }

    /** What the layer does in its block, whatever its family calls it. */
    public Role role() {
        return role;
    }

    /** The number of its Transformer block, or {@link #NO_BLOCK}. */
    public int block() {
        return block;
    }

    /** A fused map's parts, in their order; empty if it is not fused. */
    public List<FusedPart> parts() {
        return parts;
    }

    /** The names of {@link #parts}. */
    public List<String> partNames() {
        return parts.stream().map(FusedPart::name).toList();
    }

    /** The layer that is there now. */
    public M get() {
        return layer;
    }

    /** Puts another layer there; whoever holds the slot uses that from now on. */
    public void set(M other) {
        layer = other;
    }

    @Override
    public List<Parameter> parameters() {
        return layer.parameters();
    }
}
