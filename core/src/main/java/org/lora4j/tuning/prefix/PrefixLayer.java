package org.lora4j.tuning.prefix;

import java.util.List;
import java.util.OptionalInt;
import org.lora4j.model.ModelSizes;
import org.lora4j.tuning.MethodWords;

/**
 * Prefix-layer tuning (the paper's section 5.1, PreLayer): at special tokens not only the embeddings are trained but what goes
 * into every block.
 *
 * <pre>
 *   x₀[s] = S₀[s] + position      xₗ[s] = Sₗ[s] in the place of blockₗ₋₁(xₗ₋₁)[s], l = 1 … L − 1          Sₗ: (l_p + l_i, d)
 *
 *   |Θ| = L·d·(l_p + l_i)         ∂L/∂Sₗ[s] = Σ over sequences of ∂L/∂xₗ[s], and nothing goes on from there to block l − 1
 * </pre>
 *
 * <p>The paper says "after every Transformer layer", and counts L of them beside the embeddings it extends. L trained vectors
 * for a token are what goes into the L blocks. The last block's output stays its own: no later block reads that of a prefix, so
 * it would learn nothing, and the first token of the output is predicted from that of the infix, which would know nothing of the
 * input.
 *
 * <p>S₀ begins as {@link TokenInit} says, and the other Sₗ as what the model makes of these words, so that training starts from
 * a prompt of words. A model that does not write begins with N(0, 0.02²) there. No network makes the vectors (Li and Liang's
 * reparametrisation), which the count has no room for.
 *
 * @param prefix l_p
 * @param infix  l_i
 * @param init   what S₀ begins as
 */
public record PrefixLayer(int prefix, int infix, TokenInit init) implements SpecialTokenMethod {

    /** The word for it. */
    public static final String NAME = "prefix-layer";

    /** Requires numbers of tokens that are not negative, and one token at least. */
    public PrefixLayer {
        SpecialTokenMethod.requireLengths(prefix, infix);
        init = init.upTo(prefix + infix);
    }

    /** From words of the vocabulary. */
    public PrefixLayer(int prefix, int infix) {
        this(prefix, infix, TokenInit.VOCABULARY);
    }

    /** From {@code prefix-layer:8,infix=4,init=random}. */
    static PrefixLayer of(MethodWords typed) {
        MethodWords words = typed.withMain("length", List.of("length", "infix", "init"));
        return new PrefixLayer(words.whole("length", 0, OptionalInt.empty()), words.whole("infix", 0, OptionalInt.of(0)),
                TokenInit.of(words));
    }

    @Override
    public String name() {
        return SpecialTokenMethod.spell(NAME, prefix, infix, init);
    }

    @Override
    public String title() {
        return "prefix-layer tuning";
    }

    @Override
    public long parameterCount(ModelSizes sizes) {
        return (long) sizes.blocks() * sizes.width() * (prefix + infix);
    }
}
