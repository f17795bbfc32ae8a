package org.lora4j.experiments.compare;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.ForwardingBackend;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The exact backend with the roundings of a float backend put in at random: what comes out differs from the truth as a
 * right float computation may, so its spread says how far rounding alone takes a value through the model at hand.
 *
 * <p>With u = 2⁻²⁴ and ξ drawn anew for each element, uniform in [−1, 1]:
 * <ul>
 *   <li>Every result is rounded: y ← y·(1 + u·ξ).
 *   <li>A sum of k products that rounds after each of them is off by about √k·u times the norm of the products, as if its
 *       errors were independent (Higham and Mary 2019); so it is computed from a·(1 + √k·u·ξ) in place of a.
 *   <li>A function of one number (an activation and its derivative, exp in the softmax) takes its argument moved by 4·u.
 *   <li>A mean over C numbers, and what is made of it for a whole row, moves that row together by √C·u.
 * </ul>
 *
 * <p>Dropout counts as one rounding; the sums that a backend must take in double get none.
 */
final class RoundingNoise extends ForwardingBackend {

    /** Of the backends that are looked at: floats. */
    static final double UNIT_ROUNDOFF = 0x1p-24;

    private static final double FUNCTION = 4;

    private final Map<String, Tensor> scratch = new HashMap<>();
    private SplittableRandom random;

    /** @param exact computes; its tensors are shared */
    RoundingNoise(Backend exact) {
        super(exact);
    }

    /** From now on results are those of {@code seed}'s roundings. */
    void start(long seed) {
        random = new SplittableRandom(seed);
    }

    /** From now on results are exact, as at first. */
    void stop() {
        random = null;
    }

    // ------------------------------------------------------------------------------------------------ noise

    private double xi() {
        return 2 * random.nextDouble() - 1;
    }

    /** x·(1 + factor·u·ξ) in memory of this backend. */
    private MatrixView moved(String name, MatrixView x, double factor) {
        if (random == null) {
            return x;
        }
        MatrixView stored = x.transposed() ? x.t() : x;
        long size = (long) stored.rows() * stored.columns();
        Tensor memory = scratch.get(name);
        if (memory == null || memory.size() < size) {
            memory = delegate.allocate(Shape.of(Math.toIntExact(size)));
            scratch.put(name, memory);
        }
        MatrixView copy = memory.as(Shape.of(stored.rows(), stored.columns())).matrix();
        delegate.copy(stored, copy);
        move(copy, factor);
        return x.transposed() ? copy.t() : copy;
    }

    private Tensor moved(String name, Tensor x, double factor) {
        return random == null ? x : moved(name, x.matrix(), factor).tensor().as(x.shape());
    }

    /** x ← x·(1 + factor·u·ξ). */
    private void move(MatrixView x, double factor) {
        if (random == null) {
            return;
        }
        double[] row = new double[x.columns()];
        for (int i = 0; i < x.rows(); i++) {
            long at = x.offset() + (long) i * x.rowStride();
            delegate.read(x.tensor(), at, row, 0, row.length);
            for (int j = 0; j < row.length; j++) {
                row[j] *= 1 + factor * UNIT_ROUNDOFF * xi();
            }
            delegate.upload(row, 0, x.tensor(), at, row.length);
        }
    }

    private void round(MatrixView x) {
        move(x, 1);
    }

    private void round(Tensor x) {
        move(x.matrix(), 1);
    }

    private static double sum(int terms) {
        return Math.sqrt(terms);
    }

    // ------------------------------------------------------------------------------------------------ elementwise

    @Override
    public void scale(Tensor x, double alpha) {
        delegate.scale(x, alpha);
        round(x);
    }

    @Override
    public void add(MatrixView x, MatrixView y, double alpha) {
        delegate.add(x, y, alpha);
        round(y);
    }

    @Override
    public void dropout(Tensor x, Tensor y, DropoutMask mask) {
        delegate.dropout(x, y, mask);
        round(y);
    }

    @Override
    public void activate(Activation kind, Tensor x, Tensor y) {
        delegate.activate(kind, moved("x", x, FUNCTION), y);
        round(y);
    }

    @Override
    public void activateBackward(Activation kind, Tensor x, Tensor dy, Tensor dx) {
        delegate.activateBackward(kind, moved("x", x, FUNCTION), dy, dx);
        move(dx.matrix(), FUNCTION);
    }

    // ------------------------------------------------------------------------------------------------ products

    @Override
    public void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta) {
        delegate.matmul(moved("a", a, sum(a.columns())), b, c, alpha, beta);
        round(c);
    }

    @Override
    public void linear(MatrixView x, MatrixView w, Tensor bias, MatrixView y) {
        delegate.linear(moved("a", x, sum(x.columns())), w, bias, y);
        round(y);
    }

    @Override
    public void addColumnSums(MatrixView g, Tensor out) {
        delegate.addColumnSums(moved("a", g, sum(g.rows())), out);
        round(out);
    }

    @Override
    public void addRow(MatrixView row, double alpha, MatrixView y) {
        delegate.addRow(row, alpha, y);
        round(y);
    }

    @Override
    public void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        delegate.scaleColumns(x, factors, shift, y, beta);
        move(y, 2);
    }

    @Override
    public void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        delegate.addColumnDots(moved("a", a, sum(a.rows())), b, out);
        round(out);
    }

    @Override
    public void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        delegate.divideByRoots(x, squares, y, beta);
        move(y, 2);
    }

    // ------------------------------------------------------------------------------------------------ normalisation

    @Override
    public void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        double[] sizes = random == null ? null : meanMagnitudes(x); // before y, which may be x itself, is written
        delegate.norm(norm, x, y, rows);
        if (random == null) {
            return;
        }
        int columns = x.columns();
        boolean centred = norm.kind().centres();
        double[] g = delegate.readDoubles(norm.gamma());
        double[] b = centred ? delegate.readDoubles(norm.beta()) : new double[columns];
        double[] means = centred ? delegate.readDoubles(rows.mean()) : new double[x.rows()];
        double[] deviations = delegate.readDoubles(rows.rstd());
        double[] row = new double[columns];
        for (int i = 0; i < x.rows(); i++) {
            double shift = centred ? sum(columns) * UNIT_ROUNDOFF * sizes[i] * xi() : 0;
            double stretch = 1 + (sum(columns) + FUNCTION) * UNIT_ROUNDOFF * xi();
            delegate.read(y, (long) i * columns, row, 0, columns);
            for (int j = 0; j < columns; j++) {
                double weight = norm.kind().weightShift() + g[j];
                row[j] = (row[j] - b[j]) * stretch + weight * deviations[i] * (shift + 2 * UNIT_ROUNDOFF * sizes[i] * xi()) + b[j];
            }
            delegate.upload(row, 0, y, (long) i * columns, columns);
            means[i] += shift;
            deviations[i] *= stretch;
        }
        if (centred) {
            delegate.upload(means, rows.mean());
        }
        delegate.upload(deviations, rows.rstd());
        round(y);
    }

    /** mean|x| of each row. */
    private double[] meanMagnitudes(Tensor x) {
        double[] sizes = new double[x.rows()];
        double[] row = new double[x.columns()];
        for (int i = 0; i < sizes.length; i++) {
            delegate.read(x, (long) i * row.length, row, 0, row.length);
            for (double value : row) {
                sizes[i] += Math.abs(value) / row.length;
            }
        }
        return sizes;
    }

    @Override
    public void normBackward(
            Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, Tensor dgamma, Tensor dbeta) {
        delegate.normBackward(norm, rows, moved("x", x, 2), moved("dy", dy, sum(dy.columns())), dx, dgamma, dbeta);
        round(dx);
    }

    // ------------------------------------------------------------------------------------------------ attention

    @Override
    public void attention(Attention in, AttentionOutput out) {
        AttentionShape shape = in.shape();
        delegate.attention(new Attention(
                moved("q", in.q(), sum(shape.headSize()) + FUNCTION), in.k(), moved("v", in.v(), sum(shape.keys())), in.mask(),
                shape, in.dropout(), in.relative()), out);
        move(out.y(), sum(shape.keys()));
        if (out.lse() != null) {
            round(out.lse());
        }
    }

    @Override
    public void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        AttentionShape shape = in.shape();
        double products = sum(shape.headSize());
        delegate.attentionBackward(
                new Attention(moved("q", in.q(), products + FUNCTION), moved("k", in.k(), sum(shape.keys())), in.v(), in.mask(),
                        shape, in.dropout(), in.relative()),
                new AttentionOutput(moved("y", out.y(), products), out.lse()),
                moved("dy", dy, products + sum(shape.queries() * shape.heads().group())), gradient);
        round(gradient.dq());
        round(gradient.dk());
        round(gradient.dv());
        if (gradient.dRelativeKeys() != null) {
            round(gradient.dRelativeKeys());
        }
        if (gradient.dRelativeQueries() != null) {
            round(gradient.dRelativeQueries());
        }
    }

    // ------------------------------------------------------------------------------------------------ embeddings, loss, update

    @Override
    public void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta) {
        delegate.gatherRows(table, rows, out, beta);
        if (beta != 0) {
            round(out);
        }
    }

    @Override
    public void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        delegate.scatterAddRows(g, rows, table);
        round(table);
    }

    @Override
    public void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses) {
        delegate.crossEntropy(moved("x", logits, FUNCTION), targets, labelSmoothing, losses);
        round(losses);
    }

    @Override
    public void crossEntropyWithGradient(
            Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
        move(logits.matrix(), FUNCTION);
        delegate.crossEntropyWithGradient(logits, targets, labelSmoothing, weight, losses);
        move(logits.matrix(), sum(logits.columns()));
        round(losses);
    }

    @Override
    public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
        delegate.adamW(p, moved("g", g, FUNCTION), m, v, step);
        round(m);
        round(v);
        round(p);
    }
}
