package org.lora4j.backend.reference;

import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Checks;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.Rotation;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The truth the other backends are measured against: every number a {@code double}, every operation a plain loop that
 * reads like its formula in {@link Backend}, one thread, sums over ascending indices.
 *
 * <p>Each operation rounds as double does, u = 2⁻⁵³, so a sum of k products is off by at most k·u·Σ|aᵢbᵢ|. Functions
 * come from StrictMath, so that results are equal on every machine.
 */
public final class ReferenceBackend implements Backend {

    static final String NAME = "reference";
    static final String DESCRIPTION = "double precision, plain loops, one thread";

    private final AtomicLong allocations = new AtomicLong();

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public double unitRoundoff() {
        return 0x1p-53;
    }

    @Override
    public String describe() {
        return DESCRIPTION;
    }

    // ------------------------------------------------------------------------------------------------ memory

    @Override
    public Tensor allocate(Shape shape) {
        allocations.incrementAndGet();
        return new Tensor(shape, new Memory.Doubles(new double[Math.toIntExact(shape.size())]));
    }

    @Override
    public IntTensor allocateInts(Shape shape) {
        allocations.incrementAndGet();
        return new IntTensor(shape, new Memory.Ints(new int[Math.toIntExact(shape.size())]));
    }

    /** It always does. */
    @Override
    public boolean sumRowsAlone(boolean on) {
        return true;
    }

    @Override
    public boolean allocatesBesideWork() {
        return true;
    }

    @Override
    public long allocations() {
        return allocations.get();
    }

    @Override
    public void upload(float[] src, int from, Tensor dst, long to, int count) {
        double[] out = Memory.of(dst);
        Objects.checkFromIndexSize(from, count, src.length);
        int start = (int) Objects.checkFromIndexSize(to, count, dst.size());
        for (int i = 0; i < count; i++) {
            out[start + i] = src[from + i];
        }
    }

    @Override
    public void upload(double[] src, int from, Tensor dst, long to, int count) {
        int start = (int) Objects.checkFromIndexSize(to, count, dst.size());
        System.arraycopy(src, from, Memory.of(dst), start, count);
    }

    @Override
    public void upload(int[] src, int from, IntTensor dst, int count) {
        Objects.checkFromIndexSize(0, count, dst.size());
        System.arraycopy(src, from, Memory.of(dst), 0, count);
    }

    @Override
    public void read(Tensor src, long from, float[] dst, int to, int count) {
        double[] in = Memory.of(src);
        int start = (int) Objects.checkFromIndexSize(from, count, src.size());
        Objects.checkFromIndexSize(to, count, dst.length);
        for (int i = 0; i < count; i++) {
            dst[to + i] = (float) in[start + i];
        }
    }

    @Override
    public void read(Tensor src, long from, double[] dst, int to, int count) {
        int start = (int) Objects.checkFromIndexSize(from, count, src.size());
        System.arraycopy(Memory.of(src), start, dst, to, count);
    }

    // ------------------------------------------------------------------------------------------------ elementwise

    @Override
    public void fill(Tensor x, double value) {
        Arrays.fill(Memory.of(x), 0, (int) x.size(), value);
    }

    @Override
    public void scale(Tensor x, double alpha) {
        double[] values = Memory.of(x);
        for (int i = 0; i < x.size(); i++) {
            values[i] *= alpha;
        }
    }

    @Override
    public void copy(MatrixView x, MatrixView y) {
        Checks.copy(x, y);
        double[] from = Memory.of(x);
        double[] to = Memory.of(y);
        for (int i = 0; i < x.rows(); i++) {
            System.arraycopy(from, Memory.row(x, i), to, Memory.row(y, i), x.columns());
        }
    }

    @Override
    public void add(MatrixView x, MatrixView y, double alpha) {
        Checks.add(x, y);
        double[] from = Memory.of(x);
        double[] to = Memory.of(y);
        for (int i = 0; i < x.rows(); i++) {
            int xRow = Memory.row(x, i);
            int yRow = Memory.row(y, i);
            for (int j = 0; j < x.columns(); j++) {
                to[yRow + j] += alpha * from[xRow + j];
            }
        }
    }

    @Override
    public void multiply(Tensor x, Tensor y, Tensor z) {
        Checks.multiply(x, y, z);
        double[] a = Memory.of(x);
        double[] b = Memory.of(y);
        double[] to = Memory.of(z);
        for (int i = 0; i < x.size(); i++) {
            to[i] = a[i] * b[i];
        }
    }

    @Override
    public void dropout(Tensor x, Tensor y, DropoutMask mask) {
        Checks.dropout(x, y);
        double[] from = Memory.of(x);
        double[] to = Memory.of(y);
        Philox random = new Philox(mask.seed());
        for (int i = 0; i < x.size(); i++) {
            to[i] = mask.isNone() ? from[i] : keeps(mask, random, i) ? from[i] * mask.scale() : 0;
        }
    }

    /** The definition in {@link DropoutMask}. */
    static boolean keeps(DropoutMask mask, Philox random, long element) {
        int word = random.word((int) mask.step(), mask.site(), element);
        return Integer.compareUnsigned(word, mask.threshold()) >= 0;
    }

    @Override
    public void activate(Activation kind, Tensor x, Tensor y) {
        Checks.activate(x, y);
        double[] from = Memory.of(x);
        double[] to = Memory.of(y);
        for (int i = 0; i < x.size(); i++) {
            to[i] = ReferenceActivation.value(from[i], kind);
        }
    }

    @Override
    public void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
        Checks.activateBackward(x, dy, dx);
        double[] in = Memory.of(x);
        double[] from = Memory.of(dy);
        double[] to = Memory.of(dx);
        for (int i = 0; i < x.size(); i++) {
            to[i] = from[i] * ReferenceActivation.derivative(in[i], kind);
        }
    }

    // ------------------------------------------------------------------------------------------------ products

    @Override
    public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        Checks.matmul(a, b, c);
        ReferenceProducts.matmul(a, b, c, alpha, beta);
    }

    @Override
    public void linear(MatrixView x, MatrixView w, @Nullable Tensor bias, MatrixView y) {
        Checks.linear(x, w, bias, y);
        ReferenceProducts.linear(x, w, bias, y);
    }

    @Override
    public void addColumnSums(MatrixView g, Tensor out) {
        Checks.addColumnSums(g, out);
        ReferenceProducts.addColumnSums(g, out);
    }

    // ------------------------------------------------------------------------------------------------ normalisation

    @Override
    public void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        Checks.norm(norm, x, y, rows);
        ReferenceNorm.forward(norm, x, y, rows);
    }

    @Override
    public void normBackward(
            Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, @Nullable Tensor dgamma, @Nullable Tensor dbeta) {
        Checks.normBackward(norm, rows, x, dy, dx, dgamma, dbeta);
        ReferenceNorm.backward(norm, rows, x, dy, dx, dgamma, dbeta);
    }

    // ------------------------------------------------------------------------------------------------ attention

    @Override
    public void attention(Attention in, AttentionOutput out) {
        Checks.attention(in, out);
        new ReferenceAttention(in).forward(out);
    }

    @Override
    public void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        Checks.attentionBackward(in, out, dy, gradient);
        new ReferenceAttention(in).backward(out, dy, gradient);
    }

    /** What the window hides is hidden by the mask, and the inherited form does the rest. */
    @Override
    public void gatheredAttention(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        Checks.gatheredAttention(q, keys, heads, y);
        IntTensor mask = keys.mask();
        int count = keys.rows().size();
        if (keys.window() != AttentionShape.NO_WINDOW && count > 0) {
            int each = count / q.rows();
            int[] seen = new int[count];
            for (int n = 0; n < q.rows(); n++) {
                int last = each - 1;
                while (mask != null && last >= 0 && Memory.of(mask)[n * each + last] == 0) {
                    last--;
                }
                for (int s = Math.max(0, last + 1 - keys.window()); s <= last; s++) {
                    seen[n * each + s] = mask == null ? 1 : Memory.of(mask)[n * each + s];
                }
            }
            mask = allocateInts(keys.rows().shape());
            upload(seen, 0, mask, count);
        }
        Backend.super.gatheredAttention(q, new GatheredKeys(keys.k(), keys.v(), keys.rows(), mask), heads, y);
    }

    // ------------------------------------------------------------------------------------------------ rotary embeddings

    @Override
    public void rotate(MatrixView x, Rotation rotation) {
        rotate(x, rotation, 1);
    }

    @Override
    public void rotateBackward(MatrixView dx, Rotation rotation) {
        rotate(dx, rotation, -1);
    }

    private static void rotate(MatrixView x, Rotation rotation, int direction) {
        Checks.rotate(x, rotation);
        double[] values = Memory.of(x);
        double[] cosines = Memory.of(rotation.cosines());
        double[] sines = Memory.of(rotation.sines());
        int half = rotation.half();
        for (int n = 0; n < x.rows(); n++) {
            for (int head = 0; head < x.columns(); head += rotation.headSize()) {
                for (int i = 0; i < half; i++) {
                    int at = Memory.row(x, n) + head + i;
                    double a = values[at];
                    double b = values[at + half];
                    double c = cosines[n * half + i];
                    double s = direction * sines[n * half + i];
                    values[at] = a * c - b * s;
                    values[at + half] = b * c + a * s;
                }
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
        Checks.gatherRows(table, rows, out);
        double[] from = Memory.of(table);
        int[] ids = Memory.of(rows);
        double[] to = Memory.of(out);
        int columns = table.columns();
        for (int i = 0; i < rows.size(); i++) {
            Checks.row(ids[i], table.rows());
            for (int c = 0; c < columns; c++) {
                double value = from[ids[i] * columns + c];
                to[i * columns + c] = beta == 0 ? value : value + beta * to[i * columns + c];
            }
        }
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        Checks.scatterAddRows(g, rows, table);
        double[] from = Memory.of(g);
        int[] ids = Memory.of(rows);
        double[] to = Memory.of(table);
        int columns = table.columns();
        for (int i = 0; i < rows.size(); i++) {
            Checks.row(ids[i], table.rows());
            for (int c = 0; c < columns; c++) {
                to[ids[i] * columns + c] += from[i * columns + c];
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ loss

    @Override
    public void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses) {
        Checks.crossEntropy(logits, targets, losses);
        ReferenceCrossEntropy.losses(logits, targets, labelSmoothing, losses);
    }

    @Override
    public void crossEntropyWithGradient(
            Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
        Checks.crossEntropy(logits, targets, losses);
        ReferenceCrossEntropy.lossesAndGradient(logits, targets, labelSmoothing, weight, losses);
    }

    // ------------------------------------------------------------------------------------------------ reductions, update

    @Override
    public double sum(Tensor x) {
        double[] values = Memory.of(x);
        double sum = 0;
        for (int i = 0; i < x.size(); i++) {
            sum += values[i];
        }
        return sum;
    }

    @Override
    public double sumOfSquares(Tensor x) {
        double[] values = Memory.of(x);
        double sum = 0;
        for (int i = 0; i < x.size(); i++) {
            sum += values[i] * values[i];
        }
        return sum;
    }

    @Override
    public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
        Checks.adamW(p, g, m, v);
        double[] parameters = Memory.of(p);
        double[] gradients = Memory.of(g);
        double[] first = Memory.of(m);
        double[] second = Memory.of(v);
        double eta = step.learningRate();
        double decay = eta * step.weightDecay();
        double c1 = step.firstCorrection();
        double c2 = step.secondCorrection();
        boolean decayBefore = step.decayOrder() == AdamWStep.DecayOrder.BEFORE;
        for (int i = 0; i < p.size(); i++) {
            first[i] = step.beta1() * first[i] + (1 - step.beta1()) * gradients[i];
            second[i] = step.beta2() * second[i] + (1 - step.beta2()) * gradients[i] * gradients[i];
            double update = eta * (first[i] / c1) / (StrictMath.sqrt(second[i] / c2) + step.epsilon());
            parameters[i] = decayBefore
                    ? parameters[i] - decay * parameters[i] - update
                    : (parameters[i] - update) - decay * (parameters[i] - update);
        }
    }

    /** Nothing to give back: the garbage collector does it. */
    @Override
    public void close() {
    }
}
