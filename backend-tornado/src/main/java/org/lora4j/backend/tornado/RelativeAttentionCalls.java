package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.MatrixView;

/** Records attention with relative scores, and its gradient; the arguments have been checked. */
final class RelativeAttentionCalls {

    /** As many args as {@link org.lora4j.backend.tornado.kernel.RelativeAttentionKernels} counts. */
    private static final int ARGS = 47;
    private static final int ROWS = 34;
    private static final int KEYS = 35;
    private static final int QUERIES = 38;
    private static final int D_KEYS = 41;
    private static final int D_QUERIES = 43;
    private static final int COUNT = 45;
    private static final int WHICH = 46;

    private final Operands operands;

    RelativeAttentionCalls(Operands operands) {
        this.operands = operands;
    }

    /** @param shared the args that any attention has */
    void forward(Attention in, AttentionOutput out, int[] shared) {
        AttentionShape shape = in.shape();
        int[] args = args(in, shared);
        args[0] = shape.batch() * shape.nHead() * shape.queries();
        Launch launch = launch(Kernel.RELATIVE_ATTENTION, args, in);
        Region y = operands.region(out.y(), "y");
        if (out.lse() == null) {
            operands.record(launch, reads(in), y);
        } else {
            operands.record(launch, reads(in), y, operands.region(out.lse(), "lse"));
        }
    }

    /** @param shared the args that any attention's backward has */
    void backward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient, int[] shared) {
        AttentionShape shape = in.shape();
        Region[] reads = reads(in,
                operands.region(dy, "dy"), operands.region(out.y(), "y"), operands.region(out.lse(), "lse"));
        int[] args = args(in, shared);
        int queries = shape.batch() * shape.nHead() * shape.queries();
        int keys = shape.batch() * shape.heads().keyHeads() * shape.keys();
        record(Kernel.RELATIVE_ATTENTION_QUERIES, args, queries, in, reads, operands.region(gradient.dq(), "dq"));
        record(Kernel.RELATIVE_ATTENTION_KEYS, args, keys, in, reads, operands.region(gradient.dk(), "dk"));
        record(Kernel.RELATIVE_ATTENTION_VALUES, args, keys, in, reads, operands.region(gradient.dv(), "dv"));
        table(gradient.dRelativeKeys(), "dRelativeKeys", D_KEYS, args, in, reads);
        table(gradient.dRelativeQueries(), "dRelativeQueries", D_QUERIES, args, in, reads);
    }

    private void table(
            MatrixView gradient, String name, int arg, int[] args, Attention in, Region[] reads) {
        if (gradient == null) {
            return;
        }
        int[] own = args.clone();
        own[arg] = Block.offset(gradient);
        own[arg + 1] = gradient.rowStride();
        own[WHICH] = (arg - D_KEYS) / 2;
        record(Kernel.RELATIVE_ATTENTION_TABLE, own, gradient.rows() * in.shape().nHead(), in, reads,
                operands.region(gradient, name));
    }

    private void record(Kernel kernel, int[] args, int workItems, Attention in, Region[] reads, Region write) {
        int[] own = args.clone();
        own[0] = workItems;
        operands.record(launch(kernel, own, in), reads, write);
    }

    private Region[] reads(Attention in, Region... others) {
        List<Region> reads = new ArrayList<>(List.of(others));
        reads.add(operands.region(in.q(), "q"));
        reads.add(operands.region(in.k(), "k"));
        reads.add(operands.region(in.v(), "v"));
        RelativeScores relative = in.relative();
        if (relative.keys() != null) {
            reads.add(operands.region(relative.keys(), "relative keys"));
        }
        if (relative.queries() != null) {
            reads.add(operands.region(relative.queries(), "relative queries"));
        }
        return reads.toArray(Region[]::new);
    }

    private static int[] args(Attention in, int[] shared) {
        int[] args = Arrays.copyOf(shared, ARGS);
        RelativeScores relative = in.relative();
        put(relative.keys(), in, KEYS, args);
        put(relative.queries(), in, QUERIES, args);
        args[COUNT] = relative.count();
        return args;
    }

    private static void put(MatrixView x, Attention in, int arg, int[] args) {
        if (x != null) {
            args[arg] = Block.offset(x);
            args[arg + 1] = x.rowStride();
            args[arg + 2] = in.shape().headSize();
        }
    }

    private Launch launch(Kernel kernel, int[] args, Attention in) {
        RelativeScores relative = in.relative();
        return AttentionCalls.launch(operands, kernel, args, in)
                .with(ROWS, operands.rows(relative.rows(), relative.count()), relative.rows().size());
    }
}
