package org.lora4j.backend;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A backend that hands every operation to another one: the base of those that watch or change a few operations. Tensors
 * are the other's, so both may be used side by side.
 */
public abstract class ForwardingBackend implements Backend {

    /** Who does the work. */
    protected final Backend delegate;

    /** Hands every operation on to another backend, whose tensors it is given. */
    protected ForwardingBackend(Backend delegate) {
        this.delegate = delegate;
    }

    @Override
    public String name() {
        return delegate.name();
    }

    @Override
    public String describe() {
        return delegate.describe();
    }

    @Override
    public double unitRoundoff() {
        return delegate.unitRoundoff();
    }

    @Override
    public Tensor allocate(Shape shape) {
        return delegate.allocate(shape);
    }

    @Override
    public Tensor allocateWeight(Shape shape, WeightType type) {
        return delegate.allocateWeight(shape, type);
    }

    @Override
    public Tensor hold(Shape shape, FourBitWeights weights) {
        return delegate.hold(shape, weights);
    }

    @Override
    public IntTensor allocateInts(Shape shape) {
        return delegate.allocateInts(shape);
    }

    @Override
    public boolean sumRowsAlone(boolean on) {
        return delegate.sumRowsAlone(on);
    }

    @Override
    public boolean allocatesBesideWork() {
        return delegate.allocatesBesideWork();
    }

    @Override
    public long allocations() {
        return delegate.allocations();
    }

    @Override
    public boolean holdsNumbers() {
        return delegate.holdsNumbers();
    }

    @Override
    public void freeze(Tensor constant) {
        delegate.freeze(constant);
    }

    @Override
    public void upload(float[] src, int from, Tensor dst, long to, int count) {
        delegate.upload(src, from, dst, to, count);
    }

    @Override
    public void upload(double[] src, int from, Tensor dst, long to, int count) {
        delegate.upload(src, from, dst, to, count);
    }

    @Override
    public void upload(int[] src, int from, IntTensor dst, int count) {
        delegate.upload(src, from, dst, count);
    }

    @Override
    public void read(Tensor src, long from, float[] dst, int to, int count) {
        delegate.read(src, from, dst, to, count);
    }

    @Override
    public void read(Tensor src, long from, double[] dst, int to, int count) {
        delegate.read(src, from, dst, to, count);
    }

    @Override
    public void fill(Tensor x, double value) {
        delegate.fill(x, value);
    }

    @Override
    public void scale(Tensor x, double alpha) {
        delegate.scale(x, alpha);
    }

    @Override
    public void copy(MatrixView x, MatrixView y) {
        delegate.copy(x, y);
    }

    @Override
    public void add(MatrixView x, MatrixView y, double alpha) {
        delegate.add(x, y, alpha);
    }

    @Override
    public void multiply(Tensor x, Tensor y, Tensor z) {
        delegate.multiply(x, y, z);
    }

    @Override
    public void dropout(Tensor x, Tensor y, DropoutMask mask) {
        delegate.dropout(x, y, mask);
    }

    @Override
    public void activate(Activation kind, Tensor x, Tensor y) {
        delegate.activate(kind, x, y);
    }

    @Override
    public void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
        delegate.activateBackward(kind, x, dy, dx);
    }

    @Override
    public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        delegate.matmul(a, b, c, alpha, beta);
    }

    @Override
    public void linear(MatrixView x, MatrixView w, @Nullable Tensor bias, MatrixView y) {
        delegate.linear(x, w, bias, y);
    }

    @Override
    public void addColumnSums(MatrixView g, Tensor out) {
        delegate.addColumnSums(g, out);
    }

    @Override
    public void addRow(MatrixView row, double alpha, MatrixView y) {
        delegate.addRow(row, alpha, y);
    }

    @Override
    public void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        delegate.scaleColumns(x, factors, shift, y, beta);
    }

    @Override
    public void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        delegate.addColumnDots(a, b, out);
    }

    @Override
    public void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        delegate.divideByRoots(x, squares, y, beta);
    }

    @Override
    public void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        delegate.norm(norm, x, y, rows);
    }

    @Override
    public void normBackward(
            Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, @Nullable Tensor dgamma, @Nullable Tensor dbeta) {
        delegate.normBackward(norm, rows, x, dy, dx, dgamma, dbeta);
    }

    @Override
    public void attention(Attention in, AttentionOutput out) {
        delegate.attention(in, out);
    }

    @Override
    public void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        delegate.attentionBackward(in, out, dy, gradient);
    }

    @Override
    public void gatheredAttention(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        delegate.gatheredAttention(q, keys, heads, y);
    }

    @Override
    public void rotate(MatrixView x, Rotation rotation) {
        delegate.rotate(x, rotation);
    }

    @Override
    public void rotateBackward(MatrixView dx, Rotation rotation) {
        delegate.rotateBackward(dx, rotation);
    }

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
        delegate.gatherRows(table, rows, out, beta);
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        delegate.scatterAddRows(g, rows, table);
    }

    @Override
    public void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses) {
        delegate.crossEntropy(logits, targets, labelSmoothing, losses);
    }

    @Override
    public void crossEntropyWithGradient(
             Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
        delegate.crossEntropyWithGradient(logits, targets, labelSmoothing, weight, losses);
    }

    @Override
    public double sum(Tensor x) {
        return delegate.sum(x);
    }

    @Override
    public double sumOfSquares(Tensor x) {
        return delegate.sumOfSquares(x);
    }

    @Override
    public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
        delegate.adamW(p, g, m, v, step);
    }

    @Override
    public Map<String, Long> counters() {
        return delegate.counters();
    }

    @Override
    public void close() {
        delegate.close();
    }
}
