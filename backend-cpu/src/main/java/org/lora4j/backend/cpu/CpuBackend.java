package org.lora4j.backend.cpu;

import org.lora4j.LoraException;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.GeluKind;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.Buffer;
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
    private long allocations;

    CpuBackend(BackendOptions options) {
        workers = new Workers(options.effectiveThreads());
        gemm = new Gemm(workers);
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
        allocations++;
        return tensor;
    }

    @Override
    public IntTensor allocateInts(Shape shape) {
        IntTensor tensor = new IntTensor(shape, new HeapInts(new int[arrayLength(shape)]));
        allocations++;
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
        return allocations;
    }

    /**
     * From the next product on, the tensor's packed panels are kept: as many bytes again as the tensor has, once for
     * x·Wᵀ and once more if g·W is asked for too. Panels are made at first use, and go when the tensor's buffer does.
     */
    @Override
    public void freeze(Tensor constant) {
        gemm.freeze(floats(constant, "the tensor to freeze"));
    }

    @Override
    public void upload(float[] src, int from, Tensor dst, long to, int count) {
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
        System.arraycopy(floats(src, from, count), (int) from, dst, to, count);
    }

    @Override
    public void read(Tensor src, long from, double[] dst, int to, int count) {
        float[] values = floats(src, from, count);
        for (int i = 0; i < count; i++) {
            dst[to + i] = values[(int) from + i];
        }
    }

    // ------------------------------------------------------------------------------------------------ elementwise

    @Override
    public void fill(Tensor x, double value) {
        throw notYet();
    }

    @Override
    public void scale(Tensor x, double alpha) {
        throw notYet();
    }

    @Override
    public void copy(MatrixView x, MatrixView y) {
        throw notYet();
    }

    @Override
    public void add(MatrixView x, MatrixView y, double alpha) {
        throw notYet();
    }

    @Override
    public void dropout(Tensor x, Tensor y, DropoutMask mask) {
        throw notYet();
    }

    @Override
    public void gelu(Tensor x, Tensor y, GeluKind kind) {
        throw notYet();
    }

    @Override
    public void geluBackward(Tensor x, Tensor dy, Tensor dx, GeluKind kind) {
        throw notYet();
    }

    // ------------------------------------------------------------------------------------------------ products

    @Override
    public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        if (a.columns() != b.rows() || a.rows() != c.rows() || b.columns() != c.columns()) {
            throw new ShapeMismatchException("matmul of " + a + " · " + b + " into " + c + ": "
                    + (a.columns() != b.rows() ? "the inner sizes " + a.columns() + " and " + b.rows() + " differ"
                            : "the product is (" + a.rows() + ", " + b.columns() + ")"));
        }
        if (c.transposed()) {
            throw new IllegalArgumentException("matmul into " + c + ": the result is never transposed");
        }
        gemm.multiply(
                a.rows(), b.columns(), a.columns(), floats(a.tensor(), "a"), (int) a.offset(), a.rowStride(), a.transposed(),
                floats(b.tensor(), "b"), (int) b.offset(), b.rowStride(), b.transposed(),
                floats(c.tensor(), "c"), (int) c.offset(), c.rowStride(), (float) alpha, (float) beta, null);
    }

    @Override
    public void linear(MatrixView x, MatrixView w, Tensor bias, MatrixView y) {
        if (x.columns() != w.columns() || x.rows() != y.rows() || w.rows() != y.columns()
                || bias != null && bias.size() != w.rows()) {
            throw new ShapeMismatchException("linear with x " + x + ", w " + w + ", "
                    + (bias == null ? "no bias" : "bias " + bias.shape()) + ", y " + y);
        }
        if (y.transposed()) {
            throw new IllegalArgumentException("linear into " + y + ": the result is never transposed");
        }
        gemm.multiply(
                x.rows(), w.rows(), x.columns(), floats(x.tensor(), "x"), (int) x.offset(), x.rowStride(), x.transposed(),
                floats(w.tensor(), "w"), (int) w.offset(), w.rowStride(), !w.transposed(),
                floats(y.tensor(), "y"), (int) y.offset(), y.rowStride(), 1, 0, bias == null ? null : floats(bias, "bias"));
    }

    @Override
    public void addColumnSums(MatrixView g, Tensor out) {
        throw notYet();
    }

    // ------------------------------------------------------------------------------------------------ normalisation

    @Override
    public void layerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd) {
        throw notYet();
    }

    @Override
    public void layerNormBackward(
            Tensor dy, Tensor x, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dgamma, Tensor dbeta) {
        throw notYet();
    }

    // ------------------------------------------------------------------------------------------------ attention

    @Override
    public void attention(
            MatrixView q, MatrixView k, MatrixView v, IntTensor mask, AttentionShape shape, DropoutMask dropout,
            MatrixView y, Tensor lse) {
        throw notYet();
    }

    @Override
    public void attentionBackward(
            MatrixView dy, MatrixView q, MatrixView k, MatrixView v, MatrixView y, Tensor lse, IntTensor mask,
            AttentionShape shape, DropoutMask dropout, MatrixView dq, MatrixView dk, MatrixView dv) {
        throw notYet();
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
        throw notYet();
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        throw notYet();
    }

    // ------------------------------------------------------------------------------------------------ loss

    @Override
    public void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses) {
        throw notYet();
    }

    @Override
    public void crossEntropyWithGradient(
            Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
        throw notYet();
    }

    // ------------------------------------------------------------------------------------------------ reductions, update

    @Override
    public double sum(Tensor x) {
        throw notYet();
    }

    @Override
    public double sumOfSquares(Tensor x) {
        throw notYet();
    }

    @Override
    public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
        throw notYet();
    }

    @Override
    public void close() {
        workers.close();
    }

    // ------------------------------------------------------------------------------------------------ arguments

    private static UnsupportedOperationException notYet() {
        return new UnsupportedOperationException("the cpu backend does not have this operation yet");
    }

    private static float[] floats(Tensor tensor, String what) {
        if (tensor.buffer() instanceof HeapFloats heap) {
            return heap.values();
        }
        throw foreign(what, tensor.buffer());
    }

    private static float[] floats(Tensor tensor, long from, int count) {
        if (from < 0 || count < 0 || from + count > tensor.size()) {
            throw new ShapeMismatchException("elements " + from + " to " + (from + count - 1) + " of a tensor of shape " + tensor.shape());
        }
        return floats(tensor, "the tensor");
    }

    private static int[] ints(IntTensor tensor, String what) {
        if (tensor.buffer() instanceof HeapInts heap) {
            return heap.values();
        }
        throw foreign(what, tensor.buffer());
    }

    private static IllegalArgumentException foreign(String what, Buffer buffer) {
        return new IllegalArgumentException(
                what + " does not belong to the cpu backend but holds a " + buffer.getClass().getSimpleName());
    }
}
