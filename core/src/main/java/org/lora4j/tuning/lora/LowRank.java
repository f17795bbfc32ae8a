package org.lora4j.tuning.lora;

import org.lora4j.backend.Backend;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** What the low-rank branches share: dropout on their input, and the way back through it. */
final class LowRank {

    private LowRank() {
    }

    /** dropout(x) in scratch, or x itself where this pass drops nothing. */
    static Tensor dropped(Tensor x, Dropout dropout, Workspace ws) {
        if (!dropout.isActive(ws)) {
            return x;
        }
        Tensor dropped = ws.scratch("lora.x", x.rows(), x.columns());
        dropout.apply(x, dropped, ws);
        return dropped;
    }

    /** A vector as a matrix of one row. */
    static MatrixView asRow(Tensor vector) {
        return vector.as(Shape.of(1, Math.toIntExact(vector.size()))).matrix();
    }

    /** dx ← dx + dropout(s·du·A), straight into dx where this pass drops nothing. */
    static void addInputGradient(Tensor du, Tensor a, double scaling, Dropout dropout, Tensor dx, Workspace ws) {
        Backend backend = ws.backend();
        if (!dropout.isActive(ws)) {
            backend.matmul(du.matrix(), a.matrix(), dx.matrix(), scaling, 1);
            return;
        }
        Tensor branch = ws.scratch("lora.x", dx.rows(), dx.columns());
        backend.matmul(du.matrix(), a.matrix(), branch.matrix(), scaling, 0);
        dropout.apply(branch, branch, ws);
        backend.add(branch, dx);
    }
}
