package org.lora4j.tuning.prefix;

import java.util.List;
import java.util.OptionalInt;
import org.lora4j.model.ModelSizes;
import org.lora4j.tuning.MethodWords;

/**
 * Prefix-embedding tuning (the paper's section 5.1, PreEmbed; Li and Liang 2021): special tokens with trained word embeddings
 * among the tokens of the input.
 *
 * <pre>
 *   sequence    p₁ … p_lp   input   i₁ … i_li   output          embeddings  S: (l_p + l_i, d), trained
 *
 *   |Θ| = d·(l_p + l_i)                                         ∂L/∂S[s] = Σ over sequences of ∂L/∂x₀ at token s
 * </pre>
 *
 * <p>All else is frozen, the embeddings of the vocabulary too. S begins as embeddings of words of the vocabulary, see
 * {@link TokenInit}. There is no reparametrisation by a network, which the paper's count has no room for.
 *
 * @param prefix l_p
 * @param infix  l_i
 * @param init   what S begins as
 */
public record PrefixEmbedding(int prefix, int infix, TokenInit init) implements SpecialTokenMethod {

    /** The word for it. */
    public static final String NAME = "prefix-embedding";

    /** Requires numbers of tokens that are not negative, and one token at least. */
    public PrefixEmbedding {
        SpecialTokenMethod.requireLengths(prefix, infix);
        init = init.upTo(prefix + infix);
    }

    /** From words of the vocabulary. */
    public PrefixEmbedding(int prefix, int infix) {
        this(prefix, infix, TokenInit.VOCABULARY);
    }

    /** From {@code prefix-embedding:8,infix=4,init=random}. */
    static PrefixEmbedding of(MethodWords typed) {
        MethodWords words = typed.withMain("length", List.of("length", "infix", "init"));
        return new PrefixEmbedding(words.whole("length", 0, OptionalInt.empty()), words.whole("infix", 0, OptionalInt.of(0)),
                TokenInit.of(words));
    }

    @Override
    public String name() {
        return SpecialTokenMethod.spell(NAME, prefix, infix, init);
    }

    @Override
    public String title() {
        return "prefix-embedding tuning";
    }

    @Override
    public long parameterCount(ModelSizes sizes) {
        return (long) sizes.width() * (prefix + infix);
    }
}
