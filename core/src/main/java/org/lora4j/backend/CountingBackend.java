package org.lora4j.backend;

import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A backend that counts the numbers it is asked to hold, holds none of them, and computes nothing: what a model and its
 * training need is found by running them on it. Every sum is 0; what is read stays as it was.
 *
 * <p>It also remembers which frozen weights stood on the right of x·Wᵀ, and how many rows x had: a backend may hold these in
 * a second layout, see {@link BackendProvider#besides}.
 */
public final class CountingBackend implements Backend {

    /** Memory that is not there. */
    private record Nothing(long capacity) implements Buffer {
    }

    private long numbers;
    private long allocations;
    private long frozen;
    /** How many rows x had in products x·Wᵀ, by the frozen W's memory. */
    private final Map<Buffer, Set<Integer>> rowsBeside = new IdentityHashMap<>();

    /** How many numbers were allocated since this was last asked; whole numbers such as token ids are not counted. */
    public long taken() {
        long taken = numbers;
        numbers = 0;
        return taken;
    }

    /** How many numbers were promised never to change. */
    public long frozen() {
        return frozen;
    }

    /** How many numbers frozen weights have that were in a product x·Wᵀ whose x has so many rows. */
    public long frozenBeside(IntPredicate rows) {
        return rowsBeside.entrySet().stream().filter(weight -> weight.getValue().stream().anyMatch(rows::test))
                .mapToLong(weight -> weight.getKey().capacity()).sum();
    }

    private void beside(MatrixView x, MatrixView w) {
        Set<Integer> rows = rowsBeside.get(w.tensor().buffer());
        if (rows != null) {
            rows.add(x.rows());
        }
    }

    @Override
    public String name() {
        return "counting";
    }

    @Override
    public String describe() {
        return "counts what is allocated, computes nothing";
    }

    @Override
    public Tensor allocate(Shape shape) {
        allocations++;
        numbers += shape.size();
        return new Tensor(shape, new Nothing(shape.size()));
    }

    @Override
    public IntTensor allocateInts(Shape shape) {
        allocations++;
        return new IntTensor(shape, new Nothing(shape.size()));
    }

    @Override
    public long allocations() {
        return allocations;
    }

    @Override
    public Tensor allocateWeight(Shape shape, WeightType type) {
        return allocate(shape);
    }

    @Override
    public void freeze(Tensor constant) {
        if (rowsBeside.put(constant.buffer(), new HashSet<>()) == null) {
            frozen += constant.size();
        }
    }

    @Override
    public boolean holdsNumbers() {
        return false;
    }

    @Override
    public void upload(float[] src, int from, Tensor dst, long to, int count) {
    }

    @Override
    public void upload(double[] src, int from, Tensor dst, long to, int count) {
    }

    @Override
    public void upload(int[] src, int from, IntTensor dst, int count) {
    }

    @Override
    public void read(Tensor src, long from, float[] dst, int to, int count) {
    }

    @Override
    public void read(Tensor src, long from, double[] dst, int to, int count) {
    }

    @Override
    public void fill(Tensor x, double value) {
    }

    @Override
    public void scale(Tensor x, double alpha) {
    }

    @Override
    public void copy(MatrixView x, MatrixView y) {
    }

    @Override
    public void add(MatrixView x, MatrixView y, double alpha) {
    }

    @Override
    public void multiply(Tensor x, Tensor y, Tensor z) {
    }

    @Override
    public void dropout(Tensor x, Tensor y, DropoutMask mask) {
    }

    @Override
    public void activate(Activation kind, Tensor x, Tensor y) {
    }

    @Override
    public void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
    }

    @Override
    public void addRow(MatrixView row, double alpha, MatrixView y) {
    }

    @Override
    public void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
    }

    @Override
    public void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
    }

    @Override
    public void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
    }

    @Override
    public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        if (b.transposed()) {
            beside(a, b);
        }
    }

    @Override
    public void linear(MatrixView x, MatrixView w, @Nullable Tensor bias, MatrixView y) {
        beside(x, w);
    }

    @Override
    public void addColumnSums(MatrixView g, Tensor out) {
    }

    @Override
    public void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
    }

    @Override
    public void normBackward(
            Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, @Nullable Tensor dgamma, @Nullable Tensor dbeta) {
    }

    @Override
    public void attention(Attention in, AttentionOutput out) {
    }

    @Override
    public void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
    }

    @Override
    public void gatheredAttention(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
    }

    @Override
    public void rotate(MatrixView x, Rotation rotation) {
    }

    @Override
    public void rotateBackward(MatrixView dx, Rotation rotation) {
    }

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
    }

    @Override
    public void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses) {
    }

    @Override
    public void crossEntropyWithGradient(
            Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
    }

    @Override
    public double sum(Tensor x) {
        return 0;
    }

    @Override
    public double sumOfSquares(Tensor x) {
        return 0;
    }

    @Override
    public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
    }

    @Override
    public void close() {
    }
}
