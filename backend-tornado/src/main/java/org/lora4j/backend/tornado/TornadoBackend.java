package org.lora4j.backend.tornado;

import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Checks;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.Rotation;
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
    private final Operands operands;
    private final ActivationCalls activations;
    private final ColumnCalls columns;
    private final NormCalls norms;
    private final AttentionCalls attentions;
    private final EmbeddingCalls embeddings;
    private long allocations;

    TornadoBackend(Machine machine) {
        this.machine = machine;
        operands = new Operands(machine);
        activations = new ActivationCalls(machine, operands);
        columns = new ColumnCalls(operands);
        norms = new NormCalls(operands);
        attentions = new AttentionCalls(operands);
        embeddings = new EmbeddingCalls(operands);
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
    public void multiply(Tensor x, Tensor y, Tensor z) {
        Checks.multiply(x, y, z);
        Region a = region(x, "x");
        Region b = region(y, "y");
        Region to = region(z, "z");
        record(Launch.of(Kernel.MULTIPLY, new int[] {(int) x.size(), a.from(), b.from(), to.from()}), new Region[] {a, b}, to);
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
        activations.forward(kind, x, y);
    }

    @Override
    public void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
        Checks.activateBackward(x, dy, dx);
        activations.backward(kind, x, dy, dx);
    }

    // ------------------------------------------------------------------------------------------------ columns

    @Override
    public void addRow(MatrixView row, double alpha, MatrixView y) {
        Checks.addRow(row, y);
        columns.addRow(row, alpha, y);
    }

    @Override
    public void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        Checks.scaleColumns(x, factors, y);
        columns.scale(x, factors, shift, y, beta);
    }

    @Override
    public void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        Checks.addColumnDots(a, b, out);
        columns.addDots(a, b, out);
    }

    @Override
    public void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        Checks.divideByRoots(x, squares, y);
        columns.divideByRoots(x, squares, y, beta);
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
        norms.forward(norm, x, y, rows);
    }

    @Override
    public void normBackward(
            Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, Tensor dgamma, Tensor dbeta) {
        Checks.normBackward(norm, rows, x, dy, dx, dgamma, dbeta);
        norms.backward(norm, rows, x, dy, dx, dgamma, dbeta);
    }

    // ------------------------------------------------------------------------------------------------ attention

    @Override
    public void attention(Attention in, AttentionOutput out) {
        Checks.attention(in, out);
        attentions.forward(in, out);
    }

    @Override
    public void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        Checks.attentionBackward(in, out, dy, gradient);
        attentions.backward(in, out, dy, gradient);
    }

    @Override
    public void gatheredAttention(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        Checks.gatheredAttention(q, keys, heads, y);
        attentions.gathered(q, keys, heads, y);
    }

    @Override
    public void rotate(MatrixView x, Rotation rotation) {
        attentions.rotate(x, rotation, 1);
    }

    @Override
    public void rotateBackward(MatrixView dx, Rotation rotation) {
        attentions.rotate(dx, rotation, -1);
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
        Checks.gatherRows(table, rows, out);
        embeddings.gather(table, rows, out, beta);
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        Checks.scatterAddRows(g, rows, table);
        embeddings.scatterAdd(g, rows, table);
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
                1 / Math.sqrt(step.secondCorrection()), step.epsilon(), step.learningRate() * step.weightDecay()), 3)
                .entry((int) p.size(), written[0].from(), gradient.from(), written[1].from(), written[2].from())
                .reading(gradient).writing(written));
    }

    @Override
    public void close() {
        machine.close();
    }

    // ------------------------------------------------------------------------------------------------ arguments

    private void record(Launch launch, Region[] reads, Region... writes) {
        operands.record(launch, reads, writes);
    }

    private Block block(Tensor tensor, String operand) {
        return operands.block(tensor, operand);
    }

    private Region region(Tensor tensor, String operand) {
        return operands.region(tensor, operand);
    }

    private Region region(MatrixView view, String operand) {
        return operands.region(view, operand);
    }

    private IntBlock ints(IntTensor tensor, String operand) {
        return operands.ints(tensor, operand);
    }
}
