package org.lora4j.backend.tornado;

import org.lora4j.LoraException;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Checks;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.backend.Rotation;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/** Records attention, its gradient, and attention to gathered keys; the arguments have been checked. */
final class AttentionCalls {

    /** As many args as {@link org.lora4j.backend.tornado.kernel.AttentionKernels} counts. */
    private static final int ARGS = 35;
    /** Also says to {@link Tiling} that only the plain kernels know windows. */
    static final int WINDOW = 34;
    private static final int MASKED = 32;

    private final Operands operands;
    private final RelativeAttentionCalls relative;

    AttentionCalls(Operands operands) {
        this.operands = operands;
        relative = new RelativeAttentionCalls(operands);
    }

    void forward(Attention in, AttentionOutput out) {
        if (in.relative() != null) {
            relative.forward(in, out, args(in, out.lse(), in.q(), in.k(), in.v(), out.y()));
            return;
        }
        AttentionShape shape = in.shape();
        Region[] reads = {operands.region(in.q(), "q"), operands.region(in.k(), "k"), operands.region(in.v(), "v")};
        Region y = operands.region(out.y(), "y");
        int[] args = args(in, out.lse(), in.q(), in.k(), in.v(), out.y());
        args[0] = shape.batch() * shape.nHead() * shape.queries();
        Launch launch = launch(Kernel.ATTENTION, args, in);
        if (out.lse() == null) {
            operands.record(launch, reads, y);
        } else {
            operands.record(launch, reads, y, operands.region(out.lse(), "lse"));
        }
    }

    void backward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        AttentionShape shape = in.shape();
        Region[] reads = {
            operands.region(dy, "dy"), operands.region(in.q(), "q"), operands.region(in.k(), "k"),
            operands.region(in.v(), "v"), operands.region(out.y(), "y"), operands.region(out.lse(), "lse")};
        int[] args = args(in, out.lse(), in.q(), in.k(), in.v(), out.y(), dy, gradient.dq(), gradient.dk(), gradient.dv());
        if (in.relative() != null) {
            relative.backward(in, out, dy, gradient, args);
            return;
        }
        args[0] = shape.batch() * shape.nHead() * shape.queries();
        operands.record(launch(Kernel.ATTENTION_QUERIES, args, in), reads, operands.region(gradient.dq(), "dq"));
        int[] keyArgs = args.clone();
        keyArgs[0] = shape.batch() * shape.heads().keyHeads() * shape.keys();
        operands.record(launch(Kernel.ATTENTION_KEYS, keyArgs, in), reads,
                operands.region(gradient.dk(), "dk"), operands.region(gradient.dv(), "dv"));
    }

    private static int[] args(Attention in, Tensor lse, MatrixView... views) {
        AttentionShape shape = in.shape();
        DropoutMask dropout = in.dropout();
        int[] args = new int[ARGS];
        args[1] = shape.batch();
        args[2] = shape.queries();
        args[3] = shape.keys();
        args[4] = shape.keyRows();
        args[5] = shape.nHead();
        args[6] = shape.headSize();
        args[7] = shape.causal() ? 1 : 0;
        args[9] = lse == null ? -1 : Block.offset(lse);
        args[10] = (int) dropout.seed();
        args[11] = (int) (dropout.seed() >>> 32);
        args[12] = (int) dropout.step();
        args[13] = dropout.site();
        args[14] = dropout.threshold();
        args[15] = dropout.isNone() ? 0 : 1;
        for (int i = 0; i < views.length; i++) {
            args[16 + 2 * i] = Block.offset(views[i]);
            args[17 + 2 * i] = views[i].rowStride();
        }
        args[MASKED] = in.mask() == null ? 0 : 1;
        args[33] = shape.heads().group();
        args[WINDOW] = shape.window();
        return args;
    }

    private Launch launch(Kernel kernel, int[] args, Attention in) {
        return launch(operands, kernel, args, in);
    }

    static Launch launch(Operands operands, Kernel kernel, int[] args, Attention in) {
        requireNoCap(in.shape().heads());
        Launch launch = Launch.of(kernel, args, in.shape().scale(), in.dropout().scale(), Double.NEGATIVE_INFINITY);
        IntTensor mask = in.mask();
        return mask == null ? launch : launch.with(8, operands.ints(mask, "mask").values(), mask.size());
    }

    /** Its kernels have no place for one. */
    private static void requireNoCap(AttentionHeads heads) {
        if (heads.cap() != 0) {
            throw new LoraException("the tornado backend does not soften the scores of attention, which here stay below " + heads.cap()
                    + ", as Gemma 2's do: take cpu");
        }
    }

    /** @param direction 1, or −1 for the gradient */
    void rotate(MatrixView x, Rotation rotation, int direction) {
        Checks.rotate(x, rotation);
        Region to = operands.region(x, "x");
        Region[] reads = {operands.region(rotation.cosines(), "cosines"), operands.region(rotation.sines(), "sines")};
        int half = rotation.half();
        int heads = x.columns() / rotation.headSize();
        operands.record(Launch.of(Kernel.ROTATE, new int[] {
            Math.multiplyExact(x.rows(), heads * half), to.from(), x.rowStride(), rotation.headSize(), half, heads,
            reads[0].from(), reads[1].from()}, direction), reads, to);
    }

    void gathered(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        requireNoCap(heads);
        Region[] reads = {operands.region(q, "q"), operands.region(keys.k(), "k"), operands.region(keys.v(), "v")};
        Region to = operands.region(y, "y");
        if (q.rows() == 0) {
            return;
        }
        IntTensor rows = keys.rows();
        IntTensor mask = keys.mask();
        Launch launch = Launch.of(Kernel.GATHERED_ATTENTION, new int[] {
            q.rows() * heads.count(), rows.size() / q.rows(), heads.count(), heads.size(), reads[0].from(), q.rowStride(),
            reads[1].from(), reads[2].from(), keys.k().columns(), to.from(), y.rowStride(), 0, 0, mask == null ? 0 : 1,
            heads.group(), keys.window()}, heads.scale())
                .with(11, operands.rows(rows, keys.k().rows()), rows.size());
        operands.record(mask == null ? launch : launch.with(12, operands.ints(mask, "mask").values(), mask.size()), reads, to);
    }
}
