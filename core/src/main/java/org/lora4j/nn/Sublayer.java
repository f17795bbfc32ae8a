package org.lora4j.nn;

import org.jspecify.annotations.Nullable;

/**
 * One half of a {@link Block} with what belongs to it.
 *
 * @param layer   {@link SelfAttention} or {@link FeedForward}
 * @param norm    before it or behind its sum, as the block's form is
 * @param after   of what the layer gives, before it joins the stream, as Gemma 2 and 3 have it; null for none
 * @param dropout on its branch, in training
 */
public record Sublayer<L extends Layer>(L layer, Normalisation norm, @Nullable Normalisation after, Dropout dropout) {

    /** Without a norm behind the layer. */
    public Sublayer(L layer, Normalisation norm, Dropout dropout) {
        this(layer, norm, null, dropout);
    }

    /** Whether anything between the norm before the layer and the sum trains. */
    boolean trains() {
        return layer.trains() || after != null && after.trains();
    }
}
