package org.lora4j.tuning.prefix;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.nn.Context;
import org.lora4j.nn.Insert;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.SpecialRows;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * Behind a block, the activations of special tokens are trained ones, whatever the block made of them:
 *
 * <pre>
 *   y[n] = S[s] where row n is special token s, else x[n]          S: (special, C)
 *
 *   ∂L/∂S[s] = Σ over these rows of ∂L/∂y[n]      ∂L/∂x[n] = 0 there, else ∂L/∂y[n]
 * </pre>
 */
final class PrefixRows implements Insert {

    private final Parameter rows;

    PrefixRows(Parameter rows) {
        this.rows = rows;
    }

    @Override
    public void forward(Tensor x, Tensor y, Context context, Workspace ws) {
        ws.backend().copy(x.matrix(), y.matrix());
        SpecialRows special = SpecialRows.of(ws);
        if (special != null) {
            special.put(rows.value().matrix(), y.matrix(), ws);
        }
    }

    @Override
    public void backward(Tensor dy, @Nullable Tensor dx, Sequences sequences, Workspace ws) {
        SpecialRows special = SpecialRows.of(ws);
        if (special != null && rows.isTrainable()) {
            special.addTo(rows.gradient().matrix(), dy.matrix(), ws);
        }
        if (dx != null) {
            ws.backend().copy(dy.matrix(), dx.matrix());
            if (special != null) {
                special.clear(dx.matrix(), ws);
            }
        }
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(rows);
    }

    /** For a pass that gives S what the block makes of the special tokens: what training begins with. */
    record Recorder(Parameter rows) implements Insert {

        @Override
        public void forward(Tensor x, Tensor y, Context context, Workspace ws) {
            ws.backend().copy(x.matrix(), y.matrix());
            SpecialRows special = SpecialRows.of(ws);
            if (special != null) {
                special.take(x.matrix(), rows.value().matrix(), ws);
            }
        }

        @Override
        public void backward(Tensor dy, @Nullable Tensor dx, Sequences sequences, Workspace ws) {
            throw new UnsupportedOperationException("what records has no backward");
        }

        @Override
        public List<Parameter> parameters() {
            return List.of(rows);
        }
    }
}
