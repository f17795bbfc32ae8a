package org.lora4j.tuning.lora;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * A linear map with a low-rank update beside it: {@link LoraLinear}, or {@link MergedLoraLinear} on parts of a fused one, or
 * one of the two inside a {@link DoraLinear}.
 */
public interface LoraProjection extends Projection {

    /**
     * The factors of the update of one part of a fused map, or of a whole map.
     *
     * @param a        A, (r, in)
     * @param b        B, (rows, r)
     * @param firstRow where in W₀ its rows begin: 0 for an update of the whole map
     */
    record PartUpdate(MatrixView a, MatrixView b, int firstRow) {
    }

    /** The frozen map, which dropping the adapter gives back. */
    Linear base();

    @Override
    default int inFeatures() {
        return base().inFeatures();
    }

    @Override
    default int outFeatures() {
        return base().outFeatures();
    }

    /** A, (r, in); of all adapted parts of a fused map, one above the other, (n·r, in). */
    Parameter loraA();

    /** B, (out, r); of all adapted parts of a fused map, one above the other, (w, r) with w the sum of their widths. */
    Parameter loraB();

    /** r, the rank of one update. */
    int rank();

    /** alpha, the numerator of the scaling. */
    double alpha();

    /** s. */
    double scaling();

    /**
     * weight ← weight + ΔW, where ΔW = s·B·A (in the rows of the adapted parts of a fused map); with DoRA, ΔW is what it takes
     * from W₀ to the stretched W.
     *
     * @param weight (out, in); added to
     */
    void addDeltaWeight(Backend backend, Tensor weight);

    /** On the input of the low-rank branch. */
    Dropout dropout();

    /** DoRA's magnitudes, one for each adapted output; null for plain LoRA. */
    default @Nullable Parameter magnitude() {
        return null;
    }

    /** The low-rank update alone: this, or what DoRA stretches. */
    default LoraProjection plain() {
        return this;
    }

    /** One for the whole map, or one for each adapted part. They look at A and B as they are, without a copy. */
    List<PartUpdate> updates();

    /**
     * Turns the base's output for some rows into this map's: y ← y + the update of x. For inference: nothing drops, nothing
     * is kept for a backward.
     *
     * @param x    (N, in); read
     * @param y    (N, out), x·W₀ᵀ + bias; becomes this map's output
     * @param bias (out), what y has in it beside x·W₀ᵀ, or null for nothing; read
     */
    void addUpdate(MatrixView x, MatrixView y, @Nullable Tensor bias, Workspace ws);
}
