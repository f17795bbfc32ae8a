package org.lora4j.blocks;

import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Context;
import org.lora4j.nn.Insert;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** A prefix layer (Li and Liang 2021, as the paper's section 5.1 has it): the first rows of each sequence are replaced. */
final class PrefixRows implements Insert {

    static final int COUNT = 2;

    private final Parameter rows;
    private final Tensor zeros;

    PrefixRows(Blocks model, String name) {
        rows = model.parameter(name + ".rows", 1, COUNT, Form.WIDTH).train();
        zeros = model.backend().allocate(rows.shape());
    }

    @Override
    public void forward(Tensor x, Tensor y, Context context, Workspace ws) {
        ws.backend().copy(x.matrix(), y.matrix());
        Sequences sequences = (Sequences) context;
        for (int b = 0; b < sequences.batch(); b++) {
            ws.backend().copy(rows.value().matrix(), y.rows(b * sequences.length(), COUNT));
        }
    }

    @Override
    public void backward(Tensor dy, Tensor dx, Sequences sequences, Workspace ws) {
        Backend backend = ws.backend();
        if (dx != null) {
            backend.copy(dy.matrix(), dx.matrix());
        }
        for (int b = 0; b < sequences.batch(); b++) {
            int first = b * sequences.length();
            if (rows.isTrainable()) {
                backend.add(dy.rows(first, COUNT), rows.gradient().matrix(), 1);
            }
            if (dx != null) {
                backend.copy(zeros.matrix(), dx.rows(first, COUNT));
            }
        }
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(rows);
    }
}
