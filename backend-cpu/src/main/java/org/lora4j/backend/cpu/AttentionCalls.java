package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Operands.floats;
import static org.lora4j.backend.cpu.Operands.floatsOrNull;
import static org.lora4j.backend.cpu.Operands.ints;
import static org.lora4j.backend.cpu.Operands.intsOrNull;
import static org.lora4j.backend.cpu.Operands.offset;

import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Checks;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.backend.Rotation;
import org.lora4j.tensor.MatrixView;

/** Checks the arguments of attention and of rotary embeddings, and hands arrays and offsets to their kernels. */
final class AttentionCalls {

    private final Workers workers;
    private final DropoutMasks masks;

    AttentionCalls(Workers workers, DropoutMasks masks) {
        this.workers = workers;
        this.masks = masks;
    }

    private DropoutFactors dropout(Attention in) {
        AttentionShape shape = in.shape();
        return masks.factors(in.dropout(), shape.batch() * shape.nHead() * shape.queries(), shape.keys(), shape);
    }

    void forward(Attention in, AttentionOutput out) {
        Checks.attention(in, out);
        MatrixView q = in.q();
        MatrixView k = in.k();
        MatrixView v = in.v();
        MatrixView y = out.y();
        AttentionKernels.forward(
                workers, floats(q, "q"), offset(q), q.rowStride(), floats(k, "k"), offset(k), k.rowStride(),
                floats(v, "v"), offset(v), v.rowStride(), intsOrNull(in.mask(), "mask"), 0, in.shape(), dropout(in),
                RelativeTables.of(workers, in), floats(y, "y"), offset(y), y.rowStride(), floatsOrNull(out.lse(), "lse"), 0);
    }

    void backward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        Checks.attentionBackward(in, out, dy, gradient);
        MatrixView q = in.q();
        MatrixView k = in.k();
        MatrixView v = in.v();
        MatrixView y = out.y();
        MatrixView dq = gradient.dq();
        MatrixView dk = gradient.dk();
        MatrixView dv = gradient.dv();
        RelativeTables relative = RelativeTables.of(workers, in);
        RelativeSums sums = relative == null ? null : relative.forBackward(workers, gradient);
        AttentionKernels.backward(
                workers, floats(dy, "dy"), offset(dy), dy.rowStride(), floats(q, "q"), offset(q), q.rowStride(),
                floats(k, "k"), offset(k), k.rowStride(), floats(v, "v"), offset(v), v.rowStride(), floats(y, "y"),
                offset(y), y.rowStride(), floats(out.lse(), "lse"), 0, intsOrNull(in.mask(), "mask"), 0, in.shape(),
                dropout(in), relative, sums, floats(dq, "dq"), offset(dq), dq.rowStride(), floats(dk, "dk"), offset(dk), dk.rowStride(),
                floats(dv, "dv"), offset(dv), dv.rowStride());
        if (sums != null) {
            sums.write(workers);
        }
    }

    void gathered(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        Checks.gatheredAttention(q, keys, heads, y);
        GatheredAttention.forward(
                workers, floats(q, "q"), offset(q), q.rowStride(), floats(keys.k(), "k"), floats(keys.v(), "v"),
                keys.k().rows(), ints(keys.rows(), "rows"), intsOrNull(keys.mask(), "mask"), q.rows(),
                keys.rows().size() / Math.max(1, q.rows()), keys.window(), heads, floats(y, "y"), offset(y), y.rowStride());
    }

    /** @param direction 1, or −1 for the gradient */
    void rotate(MatrixView x, Rotation rotation, int direction) {
        Checks.rotate(x, rotation);
        RotaryKernels.rotate(
                workers, floats(x, "x"), offset(x), x.rowStride(), x.rows(), x.columns(), rotation.headSize(),
                floats(rotation.cosines(), "cosines"), floats(rotation.sines(), "sines"), rotation.half(), direction);
    }
}
