package org.lora4j.backend.tornado;

import java.util.Arrays;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Checks;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * {@link Backend} in {@code float} on a device of TornadoVM's. An operation is checked and recorded; what is recorded runs
 * when the host reads a number.
 *
 * <p>All tensors lie in one array, see {@link DeviceMemory}. It goes to the device with the first run and stays there;
 * afterwards only what is uploaded and read travels, and the small arrays of each run: offsets, sizes, learning rate, step,
 * ids.
 */
final class TornadoBackend implements Backend {

    private final Machine machine;
    private long allocations;

    TornadoBackend(Machine machine) {
        this.machine = machine;
    }

    @Override
    public String name() {
        return "tornado";
    }

    @Override
    public String describe() {
        return machine.describe();
    }

    @Override
    public Map<String, Long> counters() {
        return machine.executor().counters();
    }

    /** What runs the operations, for tests and for counting kernels. */
    Machine machine() {
        return machine;
    }

    // ------------------------------------------------------------------------------------------------ memory

    @Override
    public Tensor allocate(Shape shape) {
        if (shape.size() > Integer.MAX_VALUE - 8) {
            throw new LoraException("a tensor of shape " + shape + " has " + shape.size()
                    + " elements; on the tornado backend all tensors together hold at most 2³¹ − 9. Use smaller batches.");
        }
        Tensor tensor = new Tensor(shape, machine.allocate(shape.size()));
        allocations++;
        return tensor;
    }

    @Override
    public IntTensor allocateInts(Shape shape) {
        IntTensor tensor = new IntTensor(shape, new IntBlock(machine.memory(), Math.toIntExact(shape.size())));
        allocations++;
        return tensor;
    }

    @Override
    public long allocations() {
        return allocations;
    }

    @Override
    public void upload(float[] src, int from, Tensor dst, long to, int count) {
        Block block = block(dst, "the destination");
        requireInside(to, count, dst);
        machine.write(src, from, block.offset() + (int) to, count);
    }

    @Override
    public void upload(double[] src, int from, Tensor dst, long to, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) src[from + i];
        }
        upload(values, 0, dst, to, count);
    }

    @Override
    public void upload(int[] src, int from, IntTensor dst, int count) {
        if (count > dst.size()) {
            throw new ShapeMismatchException("upload of " + count + " whole numbers to a tensor of shape " + dst.shape());
        }
        ints(dst, "the destination").upload(src, from, count);
    }

    @Override
    public void read(Tensor src, long from, float[] dst, int to, int count) {
        Block block = block(src, "the source");
        requireInside(from, count, src);
        machine.read(block.offset() + (int) from, dst, to, count);
    }

    @Override
    public void read(Tensor src, long from, double[] dst, int to, int count) {
        float[] values = new float[count];
        read(src, from, values, 0, count);
        for (int i = 0; i < count; i++) {
            dst[to + i] = values[i];
        }
    }

    private static void requireInside(long from, int count, Tensor tensor) {
        if (from < 0 || count < 0 || from + count > tensor.size()) {
            throw new IndexOutOfBoundsException("elements " + from + " to " + (from + count - 1) + " of " + tensor);
        }
    }

    // ------------------------------------------------------------------------------------------------ elementwise

    @Override
    public void fill(Tensor x, double value) {
        Region region = region(x, "x");
        if (x.size() > 0) {
            machine.recording().add(new Listed(Launch.of(Kernel.FILL, new int[3], value), 2)
                    .entry((int) x.size(), region.from()).writing(region));
        }
    }

    @Override
    public void scale(Tensor x, double alpha) {
        Region region = region(x, "x");
        record(Launch.of(Kernel.SCALE, new int[] {(int) x.size(), region.from()}, alpha), new Region[0], region);
    }

    @Override
    public void copy(MatrixView x, MatrixView y) {
        Checks.copy(x, y);
        Region from = region(x, "x");
        Region to = region(y, "y");
        int count = Math.multiplyExact(x.rows(), x.columns());
        if (count > 0) {
            machine.recording().add(new Listed(
                    Launch.of(Kernel.COPY, new int[] {0, 0, x.columns(), x.rowStride(), y.rowStride(), 0}), 5)
                    .entry(count, from.from(), to.from()).reading(from).writing(to));
        }
    }

    @Override
    public void add(MatrixView x, MatrixView y, double alpha) {
        Checks.add(x, y);
        Region from = region(x, "x");
        Region to = region(y, "y");
        int count = Math.multiplyExact(x.rows(), x.columns());
        if (count == 0) {
            return;
        }
        Operation sum = new Operation(Launch.of(Kernel.ADD,
                new int[] {count, x.columns(), from.from(), x.rowStride(), to.from(), y.rowStride()}, alpha))
                .reading(from, to).writing(to);
        if (alpha == 1) {
            machine.recording().addSum(Product.Matrix.of(x), Product.Matrix.of(y), sum);
        } else {
            machine.recording().add(sum);
        }
    }

    @Override
    public void dropout(Tensor x, Tensor y, DropoutMask mask) {
        Checks.dropout(x, y);
        if (mask.isNone()) {
            if (x.buffer() != y.buffer()) {
                copy(x.matrix(), y.matrix());
            }
            return;
        }
        Region from = region(x, "x");
        Region to = region(y, "y");
        record(Launch.of(Kernel.DROPOUT, new int[] {
            (int) x.size(), from.from(), to.from(), (int) mask.seed(), (int) (mask.seed() >>> 32), (int) mask.step(), mask.site(),
            mask.threshold()}, mask.scale()), new Region[] {from}, to);
    }

    @Override
    public void activate(Activation kind, Tensor x, Tensor y) {
        Checks.activate(x, y);
        Region from = region(x, "x");
        Region to = region(y, "y");
        int[] args = {(int) x.size(), from.from(), to.from(), code(kind)};
        if (!isGelu(kind)) {
            record(Launch.of(Kernel.ACTIVATE, args), new Region[] {from}, to);
        } else if (args[0] > 0) {
            machine.recording().addGelu(from.from(), to.from(), args[0], args[3],
                    new Operation(Launch.of(Kernel.GELU, args)).reading(from).writing(to));
        }
    }

    @Override
    public void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
        Checks.activateBackward(x, dy, dx);
        Region in = region(x, "x");
        Region from = region(dy, "dy");
        Region to = region(dx, "dx");
        int[] args = {(int) x.size(), in.from(), from.from(), to.from(), code(kind)};
        if (!isGelu(kind)) {
            record(Launch.of(Kernel.ACTIVATE_BACKWARD, args), new Region[] {in, from}, to);
        } else if (args[0] > 0) {
            machine.recording().addGeluBackward(in.from(), from.from(), to.from(), args[0], args[4],
                    new Operation(Launch.of(Kernel.GELU_BACKWARD, args)).reading(in, from).writing(to));
        }
    }

    /** GELU is what a product can do to its result; the others have a kernel of their own. */
    private static boolean isGelu(Activation kind) {
        return kind == Activation.GELU_TANH || kind == Activation.GELU_ERF;
    }

    /** The number by which kernels know it. */
    private static int code(Activation kind) {
        return switch (kind) {
            case GELU_TANH, RELU -> 0;
            case GELU_ERF, SILU -> 1;
            case TANH -> 2;
            case QUICK_GELU -> 3;
            case SIGMOID -> 4;
        };
    }

    // ------------------------------------------------------------------------------------------------ columns

    @Override
    public void addRow(MatrixView row, double alpha, MatrixView y) {
        Checks.addRow(row, y);
        Region[] reads = {region(row, "row")};
        Region to = region(y, "y");
        record(Launch.of(Kernel.ADD_ROW, new int[] {
            Math.multiplyExact(y.rows(), y.columns()), y.columns(), reads[0].from(), to.from(), y.rowStride()}, alpha), reads, to);
    }

    @Override
    public void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        Checks.scaleColumns(x, factors, y);
        Region[] reads = {region(x, "x"), region(factors, "factors")};
        Region to = region(y, "y");
        record(Launch.of(Kernel.SCALE_COLUMNS, new int[] {
            Math.multiplyExact(x.rows(), x.columns()), x.columns(), reads[0].from(), x.rowStride(), reads[1].from(), to.from(),
            y.rowStride(), beta == 0 ? 0 : 1}, shift, beta), reads, to);
    }

    @Override
    public void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        Checks.addColumnDots(a, b, out);
        Region[] reads = {region(a, "a"), region(b, "b")};
        Region to = region(out, "out");
        if (b.rows() > 0) {
            record(Launch.of(Kernel.COLUMN_DOTS, new int[] {
                b.columns(), b.rows(), reads[0].from(), a.transposed() ? 1 : a.rowStride(), a.transposed() ? a.rowStride() : 1,
                reads[1].from(), b.rowStride(), to.from()}), reads, to);
        }
    }

    @Override
    public void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        Checks.divideByRoots(x, squares, y);
        Region[] reads = {region(x, "x"), region(squares, "squares")};
        Region to = region(y, "y");
        record(Launch.of(Kernel.DIVIDE_BY_ROOTS, new int[] {
            Math.multiplyExact(x.rows(), x.columns()), x.columns(), reads[0].from(), x.rowStride(), reads[1].from(),
            squares.rowStride(), to.from(), y.rowStride(), beta == 0 ? 0 : 1}, beta), reads, to);
    }

    // ------------------------------------------------------------------------------------------------ products

    @Override
    public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        Checks.matmul(a, b, c);
        block(a.tensor(), "a");
        block(b.tensor(), "b");
        block(c.tensor(), "c");
        if (c.rows() > 0 && c.columns() > 0) {
            machine.recording().addProduct(new Product(a, b, c, alpha, beta, -1));
        }
    }

    @Override
    public void linear(MatrixView x, MatrixView w, Tensor bias, MatrixView y) {
        Checks.linear(x, w, bias, y);
        block(x.tensor(), "x");
        block(w.tensor(), "w");
        block(y.tensor(), "y");
        if (y.rows() > 0 && y.columns() > 0) {
            machine.recording().addProduct(new Product(x, w.t(), y, 1, 0, bias == null ? -1 : block(bias, "bias").offset()));
        }
    }

    @Override
    public void addColumnSums(MatrixView g, Tensor out) {
        Checks.addColumnSums(g, out);
        Region from = region(g, "g");
        Region to = region(out, "out");
        if (g.rows() > 0) {
            record(Launch.of(Kernel.COLUMN_SUMS, new int[] {g.columns(), g.rows(), from.from(), g.rowStride(), to.from()}),
                    new Region[] {from}, to);
        }
    }

    // ------------------------------------------------------------------------------------------------ normalisation

    @Override
    public void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        Checks.norm(norm, x, y, rows);
        boolean centred = norm.kind().centres();
        Region gamma = region(norm.gamma(), "gamma");
        Region rstd = region(rows.rstd(), "rstd");
        Region beta = centred ? region(norm.beta(), "beta") : gamma;
        Region mean = centred ? region(rows.mean(), "mean") : rstd;
        Region in = region(x, "x");
        Region to = region(y, "y");
        record(Launch.of(Kernel.NORM, new int[] {
            x.rows(), x.columns(), in.from(), gamma.from(), beta.from(), to.from(), centred ? mean.from() : -1, rstd.from()},
                norm.epsilon(), centred ? 1 : 0, norm.kind().weightShift()),
                new Region[] {in, gamma, beta}, to, mean, rstd);
    }

    @Override
    public void normBackward(
            Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, Tensor dgamma, Tensor dbeta) {
        Checks.normBackward(norm, rows, x, dy, dx, dgamma, dbeta);
        Region rstd = region(rows.rstd(), "rstd");
        Region mean = norm.kind().centres() ? region(rows.mean(), "mean") : rstd;
        Region[] reads = {region(dy, "dy"), region(x, "x"), region(norm.gamma(), "gamma"), mean, rstd};
        Region to = region(dx, "dx");
        double centred = norm.kind().centres() ? 1 : 0;
        if ((dgamma != null || dbeta != null) && x.rows() > 0) {
            Region[] sums = {
                dgamma == null ? new Region(-1, -1) : region(dgamma, "dgamma"),
                dbeta == null ? new Region(-1, -1) : region(dbeta, "dbeta")};
            record(Launch.of(Kernel.NORM_PARAMETERS, new int[] {
                x.columns(), x.rows(), reads[0].from(), reads[1].from(), mean.from(), rstd.from(), sums[0].from(),
                sums[1].from()}, centred), reads, sums);
        }
        record(Launch.of(Kernel.NORM_BACKWARD, new int[] {
            x.rows(), x.columns(), reads[0].from(), reads[1].from(), reads[2].from(), mean.from(), rstd.from(), to.from()},
                centred, norm.kind().weightShift()), reads, to);
    }

    // ------------------------------------------------------------------------------------------------ attention

    @Override
    public void attention(
            MatrixView q, MatrixView k, MatrixView v, IntTensor mask, AttentionShape shape, DropoutMask dropout,
            MatrixView y, Tensor lse) {
        Checks.attention(q, k, v, mask, shape, y, lse);
        Region[] reads = {region(q, "q"), region(k, "k"), region(v, "v")};
        Region[] writes = lse == null ? new Region[] {region(y, "y")} : new Region[] {region(y, "y"), region(lse, "lse")};
        int[] args = attentionArgs(shape, dropout, lse, q, k, v, y);
        args[0] = shape.batch() * shape.nHead() * shape.queries();
        record(masked(attention(Kernel.ATTENTION, args, shape, dropout), mask), reads, writes);
    }

    @Override
    public void attentionBackward(
            MatrixView dy, MatrixView q, MatrixView k, MatrixView v, MatrixView y, Tensor lse, IntTensor mask,
            AttentionShape shape, DropoutMask dropout, MatrixView dq, MatrixView dk, MatrixView dv) {
        Checks.attentionBackward(dy, q, k, v, y, lse, mask, shape, dq, dk, dv);
        Region[] reads = {region(dy, "dy"), region(q, "q"), region(k, "k"), region(v, "v"), region(y, "y"), region(lse, "lse")};
        int[] args = attentionArgs(shape, dropout, lse, q, k, v, y, dy, dq, dk, dv);
        args[0] = shape.batch() * shape.nHead() * shape.queries();
        record(masked(attention(Kernel.ATTENTION_QUERIES, args, shape, dropout), mask), reads, region(dq, "dq"));
        int[] keyArgs = args.clone();
        keyArgs[0] = shape.batch() * shape.nHead() * shape.keys();
        record(masked(attention(Kernel.ATTENTION_KEYS, keyArgs, shape, dropout), mask), reads, region(dk, "dk"), region(dv, "dv"));
    }

    private static int[] attentionArgs(AttentionShape shape, DropoutMask dropout, Tensor lse, MatrixView... views) {
        int[] args = new int[33];
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
        return args;
    }

    private static Launch attention(Kernel kernel, int[] args, AttentionShape shape, DropoutMask dropout) {
        return Launch.of(kernel, args, shape.scale(), dropout.scale(), Double.NEGATIVE_INFINITY);
    }

    private Launch masked(Launch launch, IntTensor mask) {
        if (mask == null) {
            return launch;
        }
        launch.args()[32] = 1;
        return launch.with(8, ints(mask, "mask").values(), mask.size());
    }

    @Override
    public void gatheredAttention(
            MatrixView q, Tensor k, Tensor v, IntTensor rows, IntTensor mask, int nHead, double scale, MatrixView y) {
        Checks.gatheredAttention(q, k, v, rows, mask, nHead, y);
        Region[] reads = {region(q, "q"), region(k, "k"), region(v, "v")};
        Region to = region(y, "y");
        if (q.rows() == 0) {
            return;
        }
        int[] numbers = ints(rows, "rows").values();
        requireRows(numbers, rows.size(), k.rows());
        Launch launch = Launch.of(Kernel.GATHERED_ATTENTION, new int[] {
            q.rows() * nHead, rows.size() / q.rows(), nHead, q.columns() / nHead, reads[0].from(), q.rowStride(),
            reads[1].from(), reads[2].from(), k.columns(), to.from(), y.rowStride(), 0, 0, mask == null ? 0 : 1}, scale)
                .with(11, numbers, rows.size());
        record(mask == null ? launch : launch.with(12, ints(mask, "mask").values(), mask.size()), reads, to);
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
        Checks.gatherRows(table, rows, out);
        Region[] reads = {region(table, "table")};
        Region to = region(out, "out");
        int[] numbers = ints(rows, "rows").values();
        requireRows(numbers, rows.size(), table.rows());
        record(Launch.of(Kernel.GATHER, new int[] {
            (int) out.size(), table.columns(), reads[0].from(), 0, to.from(), beta == 0 ? 0 : 1}, beta)
                .with(3, numbers, rows.size()), reads, to);
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        Checks.scatterAddRows(g, rows, table);
        Region[] reads = {region(g, "g")};
        Region to = region(table, "table");
        int[] numbers = ints(rows, "rows").values();
        requireRows(numbers, rows.size(), table.rows());
        int[] lists = occurrences(numbers, rows.size());
        int distinct = (lists.length - 1 - rows.size()) / 2;
        record(Launch.of(Kernel.SCATTER_ADD, new int[] {
            Math.multiplyExact(distinct, table.columns()), distinct, table.columns(), reads[0].from(), to.from(), 0})
                .with(5, lists), reads, to);
    }

    private static void requireRows(int[] numbers, int count, int rows) {
        for (int i = 0; i < count; i++) {
            Checks.row(numbers[i], rows);
        }
    }

    /**
     * For each of the d different numbers, ascending, where its occurrences begin, and where the last one's end; then the
     * numbers themselves; then the positions of all occurrences, those of each number in their order. d + 1 + d + count.
     */
    static int[] occurrences(int[] numbers, int count) {
        long[] sorted = new long[count];
        for (int i = 0; i < count; i++) {
            sorted[i] = (long) numbers[i] << 32 | i;
        }
        Arrays.sort(sorted);
        int distinct = 0;
        for (int i = 0; i < count; i++) {
            if (i == 0 || sorted[i] >> 32 != sorted[i - 1] >> 32) {
                distinct++;
            }
        }
        int[] lists = new int[2 * distinct + 1 + count];
        int which = -1;
        for (int i = 0; i < count; i++) {
            if (i == 0 || sorted[i] >> 32 != sorted[i - 1] >> 32) {
                which++;
                lists[which] = i;
                lists[distinct + 1 + which] = (int) (sorted[i] >> 32);
            }
            lists[2 * distinct + 1 + i] = (int) sorted[i];
        }
        lists[distinct] = count;
        return lists;
    }

    // ------------------------------------------------------------------------------------------------ loss

    @Override
    public void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses) {
        crossEntropy(logits, targets, labelSmoothing, losses, false, 0);
    }

    @Override
    public void crossEntropyWithGradient(
            Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
        crossEntropy(logits, targets, labelSmoothing, losses, true, weight);
    }

    private void crossEntropy(
            Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses, boolean gradient, double weight) {
        Checks.crossEntropy(logits, targets, losses);
        Region z = region(logits, "logits");
        Region to = region(losses, "losses");
        int[] ids = ints(targets, "targets").values();
        for (int i = 0; i < targets.size(); i++) {
            Checks.target(ids[i], logits.columns());
        }
        record(Launch.of(Kernel.CROSS_ENTROPY, new int[] {
            logits.rows(), logits.columns(), z.from(), 0, to.from(), gradient ? 1 : 0}, labelSmoothing, 1 - labelSmoothing, weight)
                .with(3, ids, targets.size()), new Region[] {z}, gradient ? new Region[] {z, to} : new Region[] {to});
    }

    // ------------------------------------------------------------------------------------------------ reductions, update

    @Override
    public double sum(Tensor x) {
        return machine.sum(block(x, "x").offset(), (int) x.size(), false);
    }

    @Override
    public double sumOfSquares(Tensor x) {
        return machine.sum(block(x, "x").offset(), (int) x.size(), true);
    }

    @Override
    public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
        Checks.adamW(p, g, m, v);
        Region[] written = {region(p, "p"), region(m, "m"), region(v, "v")};
        Region gradient = region(g, "g");
        int after = step.decayOrder() == AdamWStep.DecayOrder.AFTER ? 1 : 0;
        machine.recording().add(new Listed(Launch.of(Kernel.ADAM_W, new int[] {0, 0, after, 0},
                step.beta1(), 1 - step.beta1(), step.beta2(), 1 - step.beta2(), step.learningRate() / step.firstCorrection(),
                1 / Math.sqrt(step.secondCorrection()), step.epsilon(), 1 - step.learningRate() * step.weightDecay()), 3)
                .entry((int) p.size(), written[0].from(), gradient.from(), written[1].from(), written[2].from())
                .reading(gradient).writing(written));
    }

    @Override
    public void close() {
        machine.close();
    }

    // ------------------------------------------------------------------------------------------------ arguments

    private void record(Launch launch, Region[] reads, Region... writes) {
        if (launch.workItems() > 0) {
            machine.recording().add(new Operation(launch).reading(reads).writing(writes));
        }
    }

    private Block block(Tensor tensor, String operand) {
        if (tensor.buffer() instanceof Block block && block.memory() == machine.memory()) {
            return block;
        }
        throw foreign(operand, tensor);
    }

    private Region region(Tensor tensor, String operand) {
        return Region.of(block(tensor, operand), tensor.size());
    }

    private Region region(MatrixView view, String operand) {
        block(view.tensor(), operand);
        return Region.of(view);
    }

    private IntBlock ints(IntTensor tensor, String operand) {
        if (tensor.buffer() instanceof IntBlock block && block.memory() == machine.memory()) {
            return block;
        }
        throw foreign(operand, tensor);
    }

    private static IllegalArgumentException foreign(String operand, Object tensor) {
        return new IllegalArgumentException(operand + ", " + tensor + ", belongs to another backend than this tornado");
    }
}
