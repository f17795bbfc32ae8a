package org.lora4j.blocks;

import org.lora4j.backend.Activation;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.NormKind;
import org.lora4j.nn.Sight;

/** Of which parts a block is made: 2 heads of 4 in 8 features. */
record Form(
        boolean preNorm, NormKind norm, boolean fused, int keyHeads, boolean rotary, Sight sight, Activation activation,
        boolean gated, double dropout) {

    static final int WIDTH = 8;
    static final int INNER = 10;

    /** As GPT-2's. */
    static final Form GPT2 =
            new Form(true, NormKind.LAYER, true, 2, false, Sight.EARLIER, Activation.GELU_TANH, false, 0);

    /** As BERT's. */
    static final Form BERT =
            new Form(false, NormKind.LAYER, false, 2, false, Sight.ALL, Activation.GELU_ERF, false, 0);

    /** As Llama's. */
    static final Form LLAMA =
            new Form(true, NormKind.RMS, false, 1, true, Sight.EARLIER, Activation.SILU, true, 0);

    AttentionHeads heads() {
        return AttentionHeads.of(2, 4, 0.5).withKeyHeads(keyHeads);
    }

    Form withFused(boolean fused) {
        return new Form(preNorm, norm, fused, keyHeads, rotary, sight, activation, gated, dropout);
    }

    Form withActivation(Activation activation, boolean gated) {
        return new Form(preNorm, norm, fused, keyHeads, rotary, sight, activation, gated, dropout);
    }

    Form withDropout(double dropout) {
        return new Form(preNorm, norm, fused, keyHeads, rotary, sight, activation, gated, dropout);
    }
}
