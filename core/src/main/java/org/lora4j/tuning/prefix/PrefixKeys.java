package org.lora4j.tuning.prefix;

import java.util.List;
import org.lora4j.nn.KeyValueInsert;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.QueriesKeysValues;
import org.lora4j.nn.SpecialRows;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * In block l, the keys and values of special tokens are trained ones (Li and Liang 2021, as PEFT's past keys and values):
 *
 * <pre>
 *   k[n] = S[s, columns 2l·W … ]      v[n] = S[s, columns (2l + 1)·W … ]          where row n is special token s; W columns each
 *
 *   ∂L/∂S adds ∂L/∂k[n] and ∂L/∂v[n] there, and what the base had made of these rows gets 0
 * </pre>
 *
 * <p>They come behind the rotation of keys by their positions, so a trained key stands nowhere; the tokens behind count the
 * special ones as positions all the same. Nobody sees the special rows but by these keys and values.
 */
final class PrefixKeys implements KeyValueInsert {

    private final PromptRows rows;
    private final int block;

    PrefixKeys(PromptRows rows, int block) {
        this.rows = rows;
        this.block = block;
    }

    @Override
    public void forward(QueriesKeysValues in, Workspace ws) {
        SpecialRows special = SpecialRows.of(ws);
        if (special != null) {
            Tensor all = rows.made(ws);
            special.put(keys(all, in.k()), in.k(), ws);
            special.put(values(all, in.v()), in.v(), ws);
        }
    }

    @Override
    public void backward(QueriesKeysValues gradient, Workspace ws) {
        SpecialRows special = SpecialRows.of(ws);
        if (special == null) {
            return;
        }
        if (rows.trains()) {
            Tensor all = rows.gradient(ws);
            special.addTo(keys(all, gradient.k()), gradient.k(), ws);
            special.addTo(values(all, gradient.v()), gradient.v(), ws);
        }
        special.clear(gradient.k(), ws);
        special.clear(gradient.v(), ws);
    }

    private MatrixView keys(Tensor all, MatrixView like) {
        return all.columns(2 * block * like.columns(), like.columns());
    }

    private MatrixView values(Tensor all, MatrixView like) {
        return all.columns((2 * block + 1) * like.columns(), like.columns());
    }

    /** For a pass over words whose keys and values become P: what training begins with. */
    record Recorder(Tensor all, int block) implements KeyValueInsert {

        @Override
        public void forward(QueriesKeysValues in, Workspace ws) {
            int n = all.rows();
            int width = in.k().columns();
            ws.backend().copy(in.k().rows(0, n), all.columns(2 * block * width, width));
            ws.backend().copy(in.v().rows(0, n), all.columns((2 * block + 1) * width, width));
        }

        @Override
        public void backward(QueriesKeysValues gradient, Workspace ws) {
            throw new UnsupportedOperationException("what records has no backward");
        }

        @Override
        public List<Parameter> parameters() {
            return List.of();
        }
    }

    /** None of its own: they belong to the embedding of the special tokens, which makes them for all blocks. */
    @Override
    public List<Parameter> parameters() {
        return List.of();
    }
}
