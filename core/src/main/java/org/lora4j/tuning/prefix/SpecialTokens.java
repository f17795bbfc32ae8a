package org.lora4j.tuning.prefix;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.SpecialRows;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * The token embedding of a model whose sequences have special tokens before and within them, none of which is in the
 * vocabulary:
 *
 * <pre>
 *   y[i] = E[id[i]]          where id[i] &lt; V, E the base's table or what another method made of it
 *   y[i] = S[id[i] − V]      else; S: (special, C)
 *
 *   ∂L/∂S[s] = Σ over i with id[i] − V = s of g[i]          E's gradient sees nothing of these rows
 * </pre>
 *
 * <p>Where S has no row of the embedding's width, since what is trained goes elsewhere ({@link PrefixKeys}), the special rows
 * are token 0's and nobody reads what becomes of them.
 */
final class SpecialTokens implements TokenEmbedding {

    private final TokenEmbedding base;
    private final PromptRows rows;
    private final int prefix;
    private final int infix;
    private final boolean embedded;
    private final boolean speaks;

    /**
     * @param base     what is in the slot
     * @param rows     S, those of the prefix first
     * @param embedded whether S goes in here
     * @param speaks   see {@link TokenEmbedding#speaksForSequence}
     */
    SpecialTokens(TokenEmbedding base, PromptRows rows, int prefix, int infix, boolean embedded, boolean speaks) {
        this.base = base;
        this.rows = rows;
        this.prefix = prefix;
        this.infix = infix;
        this.embedded = embedded;
        this.speaks = speaks;
    }

    @Override
    public void forward(IntTensor ids, Tensor y, double beta, Workspace ws) {
        SpecialRows special = SpecialRows.of(ids, ws);
        if (special == null) {
            base.forward(ids, y, beta, ws);
            return;
        }
        if (beta != 0) {
            throw new IllegalArgumentException("special tokens are embedded first, positions and types are added to them");
        }
        rows.begin(ws);
        base.forward(special.words(), y, 0, ws);
        if (embedded) {
            special.put(rows.made(ws).matrix(), y.matrix(), ws);
        }
    }

    @Override
    public void backward(IntTensor ids, Tensor dy, Workspace ws) {
        SpecialRows special = SpecialRows.of(ids, ws);
        if (special == null) {
            base.backward(ids, dy, ws);
            return;
        }
        if (rows.trains()) {
            if (embedded) {
                special.addTo(rows.gradient(ws).matrix(), dy.matrix(), ws);
            }
            rows.backward(ws);
        }
        if (base.trains()) {
            Tensor ofWords = ws.scratch("prefix.dwords", dy.rows(), dy.columns());
            ws.backend().copy(dy.matrix(), ofWords.matrix());
            special.clear(ofWords.matrix(), ws);
            base.backward(special.words(), ofWords, ws);
        }
    }

    /** What was in the slot before. */
    TokenEmbedding base() {
        return base;
    }

    @Override
    public int[] prefix() {
        return IntStream.range(base.rows(), base.rows() + prefix).toArray();
    }

    @Override
    public int[] infix() {
        return IntStream.range(base.rows() + prefix, rows()).toArray();
    }

    @Override
    public boolean speaksForSequence() {
        return speaks;
    }

    @Override
    public int rows() {
        return base.rows() + prefix + infix;
    }

    @Override
    public int features() {
        return base.features();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(base.parameters());
        parameters.addAll(rows.parameters());
        return parameters;
    }
}
