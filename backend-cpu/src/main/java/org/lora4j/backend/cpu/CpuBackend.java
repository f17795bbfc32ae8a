package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Operands.floats;
import static org.lora4j.backend.cpu.Operands.floatsOrNull;
import static org.lora4j.backend.cpu.Operands.ints;
import static org.lora4j.backend.cpu.Operands.length;
import static org.lora4j.backend.cpu.Operands.offset;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Checks;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.backend.MatrixProduct;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.Rotation;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.backend.WeightType;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * {@link Backend} in {@code float[]}, with the widest vectors the machine has and every core.
 *
 * <p>This class checks the arguments and hands arrays and offsets to the kernels, one class per family of operations.
 * Every kernel sums in an order that does not depend on the number of threads, so {@code STRICT} costs nothing here and
 * both precisions run the same code.
 */
final class CpuBackend implements Backend {

    private final Workers workers;
    private final Gemm gemm;
    private final CompressedProduct compressed;
    private final ProductsAtOnce atOnce;
    private final DropoutMasks masks = new DropoutMasks();
    private final AttentionCalls attention;
    private final AtomicLong allocations = new AtomicLong();

    CpuBackend(BackendOptions options) {
        workers = new Workers(options.effectiveThreads());
        gemm = new Gemm(workers);
        compressed = new CompressedProduct(workers, gemm);
        atOnce = new ProductsAtOnce(workers, gemm);
        attention = new AttentionCalls(workers, masks);
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String describe() {
        return describe(workers.threads());
    }

    /** {@code 512-bit vectors, 2 threads}. */
    static String describe(int threads) {
        return Gemm.FLOATS.vectorBitSize() + "-bit vectors, " + threads + (threads == 1 ? " thread" : " threads");
    }

    // ------------------------------------------------------------------------------------------------ memory

    @Override
    public Tensor allocate(Shape shape) {
        Tensor tensor = new Tensor(shape, new HeapFloats(new float[arrayLength(shape)]));
        allocations.incrementAndGet();
        return tensor;
    }

    @Override
    public Tensor allocateWeight(Shape shape, WeightType type) {
        if (type == WeightType.FLOAT32) {
            return allocate(shape);
        }
        arrayLength(shape);
        allocations.incrementAndGet();
        int rows = shape.rows();
        int columns = shape.columns();
        return new Tensor(shape, switch (type) {
            case FLOAT32 -> throw new IllegalStateException();
            case BF16 -> new Bf16Weights(rows, columns);
            case INT8 -> new Int8Weights(rows, columns);
            case NF4 -> new FourBitRows(rows, columns);
        });
    }

    @Override
    public Tensor hold(Shape shape, FourBitWeights weights) {
        arrayLength(shape);
        allocations.incrementAndGet();
        return new Tensor(shape, new FourBitRows(shape.rows(), shape.columns(), weights));
    }

    @Override
    public IntTensor allocateInts(Shape shape) {
        IntTensor tensor = new IntTensor(shape, new HeapInts(new int[arrayLength(shape)]));
        allocations.incrementAndGet();
        return tensor;
    }

    private static int arrayLength(Shape shape) {
        if (shape.size() > Integer.MAX_VALUE - 8) {
            throw new LoraException("a tensor of shape " + shape + " has " + shape.size()
                    + " elements; on the cpu backend one tensor holds at most 2³¹ − 9. Use smaller batches.");
        }
        return (int) shape.size();
    }

    @Override
    public long allocations() {
        return allocations.get();
    }

    @Override
    public boolean allocatesBesideWork() {
        return true;
    }

    /**
     * From the next product on, the tensor's packed panels are kept: as many bytes again as the tensor has, once for
     * x·Wᵀ and once more if g·W is asked for too. Panels are made at first use, and go when the tensor's buffer does.
     */
    @Override
    public void freeze(Tensor constant) {
        if (constant.buffer() instanceof CompressedWeights weights) {
            weights.freeze();
            return; // its rows are expanded in each use, which is the point of it
        }
        gemm.freeze(floats(constant, "the tensor to freeze"));
    }

    @Override
    public void upload(float[] src, int from, Tensor dst, long to, int count) {
        if (dst.buffer() instanceof CompressedWeights weights) {
            weights.store(src, from, weights.row(to), weights.row(count));
            return;
        }
        System.arraycopy(src, from, floats(dst, to, count), (int) to, count);
    }

    @Override
    public void upload(double[] src, int from, Tensor dst, long to, int count) {
        float[] values = floats(dst, to, count);
        for (int i = 0; i < count; i++) {
            values[(int) to + i] = (float) src[from + i];
        }
    }

    @Override
    public void upload(int[] src, int from, IntTensor dst, int count) {
        if (count > dst.size()) {
            throw new ShapeMismatchException("upload of " + count + " whole numbers to a tensor of shape " + dst.shape());
        }
        System.arraycopy(src, from, ints(dst, "the destination"), 0, count);
    }

    @Override
    public void read(Tensor src, long from, float[] dst, int to, int count) {
        if (src.buffer() instanceof CompressedWeights weights) {
            weights.read(from, dst, to, count);
            return;
        }
        System.arraycopy(floats(src, from, count), (int) from, dst, to, count);
    }

    @Override
    public void read(Tensor src, long from, double[] dst, int to, int count) {
        float[] values = new float[Math.min(count, 1 << 16)];
        for (int at = 0; at < count; at += values.length) {
            int length = Math.min(values.length, count - at);
            read(src, from + at, values, 0, length);
            for (int i = 0; i < length; i++) {
                dst[to + at + i] = values[i];
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ elementwise

    @Override
    public void fill(Tensor x, double value) {
        ElementwiseKernels.fill(workers, floats(x, "x"), 0, length(x), (float) value);
    }

    @Override
    public void scale(Tensor x, double alpha) {
        ElementwiseKernels.scale(workers, floats(x, "x"), 0, length(x), (float) alpha);
    }

    @Override
    public void copy(MatrixView x, MatrixView y) {
        Checks.copy(x, y);
        if (x.tensor().buffer() instanceof CompressedWeights weights) {
            weights.requireWholeRows(x);
            for (int i = 0; i < x.rows(); i++) {
                weights.expand(weights.row(x.offset()) + i, 1, floats(y, "y"), offset(y) + i * y.rowStride(), x.columns());
            }
            return;
        }
        ElementwiseKernels.copy(workers, floats(x, "x"), offset(x), x.rowStride(), floats(y, "y"), offset(y), y.rowStride(),
                x.rows(), x.columns());
    }

    @Override
    public void add(MatrixView x, MatrixView y, double alpha) {
        Checks.add(x, y);
        ElementwiseKernels.add(workers, floats(x, "x"), offset(x), x.rowStride(), floats(y, "y"), offset(y), y.rowStride(),
                x.rows(), x.columns(), (float) alpha);
    }

    @Override
    public void multiply(Tensor x, Tensor y, Tensor z) {
        Checks.multiply(x, y, z);
        ElementwiseKernels.multiply(workers, floats(x, "x"), floats(y, "y"), floats(z, "z"), length(x));
    }

    @Override
    public void dropout(Tensor x, Tensor y, DropoutMask mask) {
        Checks.dropout(x, y);
        DropoutFactors factors = masks.factors(mask, 1, length(x), length(x));
        ElementwiseKernels.dropout(workers, floats(x, "x"), 0, floats(y, "y"), 0, length(x), factors);
    }

    @Override
    public void activate(Activation kind, Tensor x, Tensor y) {
        Checks.activate(x, y);
        ActivationKernels.forward(workers, floats(x, "x"), 0, floats(y, "y"), 0, length(x), kind);
    }

    @Override
    public void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
        Checks.activateBackward(x, dy, dx);
        ActivationKernels.backward(workers, floats(x, "x"), 0, floats(dy, "dy"), 0, floats(dx, "dx"), 0, length(x), kind);
    }

    // ------------------------------------------------------------------------------------------------ columns

    @Override
    public void addRow(MatrixView row, double alpha, MatrixView y) {
        Checks.addRow(row, y);
        ColumnKernels.addRow(workers, floats(row, "row"), offset(row), (float) alpha, floats(y, "y"), offset(y), y.rowStride(),
                y.rows(), y.columns());
    }

    @Override
    public void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        Checks.scaleColumns(x, factors, y);
        ColumnKernels.scale(
                workers, floats(x, "x"), offset(x), x.rowStride(), floats(factors, "factors"), offset(factors), (float) shift,
                floats(y, "y"), offset(y), y.rowStride(), x.rows(), x.columns(), (float) beta);
    }

    @Override
    public void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        Checks.addColumnDots(a, b, out);
        ColumnKernels.addDots(
                workers, floats(a, "a"), offset(a), a.transposed() ? 1 : a.rowStride(), a.transposed() ? a.rowStride() : 1,
                floats(b, "b"), offset(b), b.rowStride(), a.rows(), a.columns(), floats(out, "out"), offset(out));
    }

    @Override
    public void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        Checks.divideByRoots(x, squares, y);
        ColumnKernels.divideByRoots(
                workers, floats(x, "x"), offset(x), x.rowStride(), floats(squares, "squares"), offset(squares),
                squares.rowStride(), floats(y, "y"), offset(y), y.rowStride(), x.rows(), x.columns(), (float) beta);
    }

    // ------------------------------------------------------------------------------------------------ products

    @Override
    public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        Checks.matmul(a, b, c);
        if (b.tensor().buffer() instanceof CompressedWeights weights) {
            compressed.multiply(weights, b, floats(a, "a"), offset(a), a.rowStride(), a.transposed(), a.rows(), floats(c, "c"),
                    offset(c), c.rowStride(), (float) alpha, (float) beta, null);
            return;
        }
        gemm.multiply(a.rows(), b.columns(), a.columns(), floats(a, "a"), offset(a), a.rowStride(), a.transposed(),
                floats(b, "b"), offset(b), b.rowStride(), b.transposed(),
                floats(c, "c"), offset(c), c.rowStride(), (float) alpha, (float) beta, null);
    }

    @Override
    public void matmulAll(List<MatrixProduct> products) {
        if (!atOnce.run(products)) {
            Backend.super.matmulAll(products);
        }
    }

    @Override
    public void linear(MatrixView x, MatrixView w, Tensor bias, MatrixView y) {
        Checks.linear(x, w, bias, y);
        if (w.tensor().buffer() instanceof CompressedWeights weights) {
            compressed.multiply(weights, w.t(), floats(x, "x"), offset(x), x.rowStride(), x.transposed(), x.rows(), floats(y, "y"),
                    offset(y), y.rowStride(), 1, 0, floatsOrNull(bias, "bias"));
            return;
        }
        gemm.multiply(
                x.rows(), w.rows(), x.columns(), floats(x, "x"), offset(x), x.rowStride(), x.transposed(),
                floats(w, "w"), offset(w), w.rowStride(), !w.transposed(),
                floats(y, "y"), offset(y), y.rowStride(), 1, 0, bias == null ? null : floats(bias, "bias"));
    }

    @Override
    public boolean sumRowsAlone(boolean on) {
        return gemm.sumRowsAlone(on);
    }

    @Override
    public void addColumnSums(MatrixView g, Tensor out) {
        Checks.addColumnSums(g, out);
        ElementwiseKernels.addColumnSums(workers, floats(g, "g"), offset(g), g.rowStride(), g.rows(), g.columns(), floats(out, "out"), 0);
    }

    // ------------------------------------------------------------------------------------------------ normalisation

    @Override
    public void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        Checks.norm(norm, x, y, rows);
        float[] gamma = floats(norm.gamma(), "gamma");
        float[] rstd = floats(rows.rstd(), "rstd");
        if (norm.kind().centres()) {
            LayerNormKernels.forward(
                    workers, floats(x, "x"), 0, gamma, 0, floats(norm.beta(), "beta"), 0, norm.epsilon(), floats(y, "y"), 0,
                    floats(rows.mean(), "mean"), 0, rstd, 0, x.rows(), x.columns());
        } else {
            RmsNormKernels.forward(workers, floats(x, "x"), gamma, (float) norm.kind().weightShift(), norm.epsilon(),
                    floats(y, "y"), rstd, x.rows(), x.columns());
        }
    }

    @Override
    public void normBackward(Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, Tensor dgamma, Tensor dbeta) {
        Checks.normBackward(norm, rows, x, dy, dx, dgamma, dbeta);
        float[] gamma = floats(norm.gamma(), "gamma");
        float[] rstd = floats(rows.rstd(), "rstd");
        if (norm.kind().centres()) {
            LayerNormKernels.backward(
                    workers, floats(dy, "dy"), 0, floats(x, "x"), 0, gamma, 0, floats(rows.mean(), "mean"), 0, rstd, 0,
                    floats(dx, "dx"), 0, floatsOrNull(dgamma, "dgamma"), 0, floatsOrNull(dbeta, "dbeta"), 0, x.rows(),
                    x.columns());
        } else {
            RmsNormKernels.backward(workers, floats(dy, "dy"), floats(x, "x"), gamma, (float) norm.kind().weightShift(), rstd,
                    floats(dx, "dx"), floatsOrNull(dgamma, "dgamma"), x.rows(), x.columns());
        }
    }

    // ------------------------------------------------------------------------------------------------ attention

    @Override
    public void attention(Attention in, AttentionOutput out) {
        attention.forward(in, out);
    }

    @Override
    public void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        attention.backward(in, out, dy, gradient);
    }

    @Override
    public void gatheredAttention(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        attention.gathered(q, keys, heads, y);
    }

    @Override
    public void rotate(MatrixView x, Rotation rotation) {
        attention.rotate(x, rotation, 1);
    }

    @Override
    public void rotateBackward(MatrixView dx, Rotation rotation) {
        attention.rotate(dx, rotation, -1);
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
        Checks.gatherRows(table, rows, out);
        if (table.buffer() instanceof CompressedWeights weights) {
            compressed.gather(weights, ints(rows, "rows"), rows.size(), floats(out, "out"), (float) beta);
            return;
        }
        EmbeddingKernels.gather(
                workers, floats(table, "table"), 0, table.rows(), ints(rows, "rows"), 0, floats(out, "out"), 0,
                rows.size(), table.columns(), (float) beta);
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        Checks.scatterAddRows(g, rows, table);
        EmbeddingKernels.scatterAdd(workers, floats(g, "g"), 0, ints(rows, "rows"), 0, floats(table, "table"), 0, table.rows(),
                rows.size(), table.columns());
    }

    // ------------------------------------------------------------------------------------------------ loss

    @Override
    public void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses) {
        Checks.crossEntropy(logits, targets, losses);
        CrossEntropyKernels.forward(workers, floats(logits, "logits"), 0, ints(targets, "targets"), 0, labelSmoothing,
                floats(losses, "losses"), 0, logits.rows(), logits.columns());
    }

    @Override
    public void crossEntropyWithGradient(Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
        Checks.crossEntropy(logits, targets, losses);
        CrossEntropyKernels.forwardWithGradient(
                workers, floats(logits, "logits"), 0, ints(targets, "targets"), 0, labelSmoothing, weight,
                floats(losses, "losses"), 0, logits.rows(), logits.columns());
    }

    // ------------------------------------------------------------------------------------------------ reductions, update

    @Override
    public double sum(Tensor x) {
        return Reductions.sum(workers, floats(x, "x"), 0, length(x));
    }

    @Override
    public double sumOfSquares(Tensor x) {
        return Reductions.sumOfSquares(workers, floats(x, "x"), 0, length(x));
    }

    @Override
    public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
        Checks.adamW(p, g, m, v);
        AdamWKernels.update(workers, floats(p, "p"), 0, floats(g, "g"), 0, floats(m, "m"), 0, floats(v, "v"), 0, length(p), step);
    }

    @Override
    public void close() {
        workers.close();
    }
}
