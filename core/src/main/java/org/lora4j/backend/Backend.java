package org.lora4j.backend;

import java.util.Locale;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * What a machine must be able to do to train and run the models of this project: some 25 operations on tensors, each
 * forward beside its backward. This page is their contract; an implementation says only what is particular to it, its
 * blocking, its order of summation, its error.
 *
 * <p>Common to all:
 * <ul>
 *   <li>Only what is called <em>written</em> or <em>added to</em> is modified; everything else is read.
 *   <li>A written operand must not overlap a read one unless the operation says so.
 *   <li>Operands belong to this backend; one of another backend is an {@link IllegalArgumentException}.
 *   <li>Shapes that do not fit are a {@link ShapeMismatchException} that holds them as passed.
 *   <li>N is a number of rows, usually B·T; C a number of features, V the vocabulary's size.
 *   <li>An operation may be carried out later, but before {@code read} and the reductions return.
 * </ul>
 *
 * <p>A backend is used by one thread at a time; inside, it uses as many as its options say.
 */
public interface Backend extends AutoCloseable {

    /** The name users type, such as {@code cpu}. */
    String name();

    /** One line for logs and {@code doctor}: what it runs on. */
    String describe();

    /** u, half the distance from 1 to the next number: 2⁻²⁴ where tensors hold floats, 2⁻⁵³ where they hold doubles. */
    default double unitRoundoff() {
        return 0x1p-24;
    }

    // ------------------------------------------------------------------------------------------------ memory

    /** A new tensor of zeros. */
    Tensor allocate(Shape shape);

    /**
     * A new tensor for a frozen weight matrix, held in the given type. It can be uploaded to in whole rows, read, and used
     * as the second operand of {@link #matmul} (either way round) and {@link #linear}, as the table of
     * {@link #gatherRows}, and as what {@link #copy} copies; nothing else, and nothing writes it.
     *
     * @param shape (out, in) or (V, C)
     * @throws LoraException if this backend does not hold weights in that type
     */
    default Tensor allocateWeight(Shape shape, WeightType type) {
        if (type == WeightType.FLOAT32) {
            return allocate(shape);
        }
        throw new LoraException("--base-dtype " + type.name().toLowerCase(Locale.ROOT) + ": the " + name()
                + " backend holds weights in its own type only. Leave it out, or use --backend cpu");
    }

    /** A new tensor of whole numbers, all zero. */
    IntTensor allocateInts(Shape shape);

    /** How many tensors {@link #allocate} and {@link #allocateInts} have made: a training step must not raise it. */
    long allocations();

    /**
     * Promises that the tensor's content never changes again, so that the backend may keep it in other layouts too. A
     * frozen base weight is such a tensor. Uploading to it afterwards is an error of the caller.
     */
    default void freeze(Tensor constant) {
    }

    /** dst[to … to + count − 1] ← src[from … from + count − 1], rounded to the backend's precision. */
    void upload(float[] src, int from, Tensor dst, long to, int count);

    /** dst[to … to + count − 1] ← src[from … from + count − 1], rounded to the backend's precision. */
    void upload(double[] src, int from, Tensor dst, long to, int count);

    /** dst[0 … count − 1] ← src[from … from + count − 1]. */
    void upload(int[] src, int from, IntTensor dst, int count);

    /** dst[to … to + count − 1] ← src[from … from + count − 1], rounded to float. */
    void read(Tensor src, long from, float[] dst, int to, int count);

    /** dst[to … to + count − 1] ← src[from … from + count − 1]. */
    void read(Tensor src, long from, double[] dst, int to, int count);

    /** Uploads a whole tensor. */
    default void upload(float[] src, Tensor dst) {
        requireSize(src.length, dst);
        upload(src, 0, dst, 0, src.length);
    }

    /** Uploads a whole tensor. */
    default void upload(double[] src, Tensor dst) {
        requireSize(src.length, dst);
        upload(src, 0, dst, 0, src.length);
    }

    /** Reads a whole tensor of at most 2³¹ − 1 elements as floats. */
    default float[] readFloats(Tensor src) {
        float[] values = new float[Math.toIntExact(src.size())];
        read(src, 0, values, 0, values.length);
        return values;
    }

    /** Reads a whole tensor of at most 2³¹ − 1 elements as doubles. */
    default double[] readDoubles(Tensor src) {
        double[] values = new double[Math.toIntExact(src.size())];
        read(src, 0, values, 0, values.length);
        return values;
    }

    private static void requireSize(int length, Tensor dst) {
        if (length != dst.size()) {
            throw new ShapeMismatchException("upload of " + length + " numbers to a tensor of shape " + dst.shape());
        }
    }

    // ------------------------------------------------------------------------------------------------ elementwise

    /** x ← value everywhere. */
    void fill(Tensor x, double value);

    /** x ← alpha·x. */
    void scale(Tensor x, double alpha);

    /** y ← x. Both untransposed, of equal shape. */
    void copy(MatrixView x, MatrixView y);

    /** y ← y + alpha·x. Both untransposed, of equal shape. */
    void add(MatrixView x, MatrixView y, double alpha);

    /** y ← y + x for whole tensors of equal size. */
    default void add(Tensor x, Tensor y) {
        add(x.matrix(), y.matrix(), 1);
    }

    /**
     * Inverted dropout, forward and backward alike: y ← x ⊙ keep / (1 − p). With p = 0 it copies.
     *
     * @param x    (N, C); read
     * @param y    (N, C); written; may be x itself
     * @param mask which elements of the row-major N·C are kept
     */
    void dropout(Tensor x, Tensor y, DropoutMask mask);

    /**
     * y ← GELU(x), see {@link GeluKind}.
     *
     * @param x any shape; read
     * @param y the same shape; written; may be x itself
     */
    void gelu(Tensor x, Tensor y, GeluKind kind);

    /**
     * dx ← dy ⊙ GELU′(x).
     *
     * @param x  the input of {@link #gelu}; read
     * @param dy ∂L/∂y; read
     * @param dx ∂L/∂x; written; may be dy itself
     */
    void geluBackward(Tensor x, Tensor dy, Tensor dx, GeluKind kind);

    // ------------------------------------------------------------------------------------------------ columns

    /**
     * y ← y + alpha·row, for every row of y. A backend without a kernel for it inherits this one, which works on the host.
     *
     * @param row (1, C); read
     * @param y   (N, C); written
     */
    default void addRow(MatrixView row, double alpha, MatrixView y) {
        Checks.addRow(row, y);
        HostColumns.addRow(this, row, alpha, y);
    }

    /**
     * Each column times a number of its own: y[:, j] ← (factors[j] + shift)·x[:, j] + beta·y[:, j]. Inherited, it works on
     * the host.
     *
     * @param x       (N, C); read
     * @param factors (1, C); read
     * @param y       (N, C); written; may be x itself. With beta = 0 its old content is not read
     */
    default void scaleColumns(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        Checks.scaleColumns(x, factors, y);
        HostColumns.scaleColumns(this, x, factors, shift, y, beta);
    }

    /**
     * The scalar products of columns: out[j] ← out[j] + Σ over rows i of a[i, j]·b[i, j]. Inherited, it works on the host.
     *
     * @param a   (N, C), perhaps a transposed view; read
     * @param b   (N, C); read
     * @param out (1, C); added to
     */
    default void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        Checks.addColumnDots(a, b, out);
        HostColumns.addColumnDots(this, a, b, out);
    }

    /**
     * y ← x/√squares + beta·y, element by element; the root is rounded before it divides, so that root/√(root²) is 1.
     * Inherited, it works on the host.
     *
     * @param x       (N, C); read
     * @param squares (N, C), none of them negative; read
     * @param y       (N, C); written; may be x itself. With beta = 0 its old content is not read
     */
    default void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        Checks.divideByRoots(x, squares, y);
        HostColumns.divideByRoots(this, x, squares, y, beta);
    }

    // ------------------------------------------------------------------------------------------------ products

    /**
     * c ← alpha·op(a)·op(b) + beta·c, with op(x) = x or xᵀ as the views say.
     *
     * @param a (m, k) after op; read
     * @param b (k, n) after op; read
     * @param c (m, n), not transposed; written. With beta = 0 its old content is not read, so NaN there does no harm
     * @throws ShapeMismatchException if the inner sizes differ
     */
    void matmul(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta);

    /**
     * A linear layer's forward: y ← x·Wᵀ + bias, the bias repeated for every row.
     *
     * @param x    (N, in); read
     * @param w    (out, in); read
     * @param bias (out), or null for none; read
     * @param y    (N, out); written
     */
    void linear(MatrixView x, MatrixView w, Tensor bias, MatrixView y);

    /**
     * The gradient of a bias: out ← out + Σ over rows of g.
     *
     * @param g   (N, C); read
     * @param out (C); added to
     */
    void addColumnSums(MatrixView g, Tensor out);

    // ------------------------------------------------------------------------------------------------ normalisation

    /**
     * Layer normalisation over each row (Ba et al. 2016):
     *
     * <pre>
     *   μ = mean(x)   rstd = 1/√(mean((x − μ)²) + eps)   y = (x − μ)·rstd ⊙ gamma + beta
     * </pre>
     *
     * @param x     (N, C); read
     * @param gamma (C); read
     * @param beta  (C); read
     * @param y     (N, C); written; may be x itself
     * @param mean  (N); written: μ of each row, for backward
     * @param rstd  (N); written: rstd of each row, for backward
     */
    void layerNorm(Tensor x, Tensor gamma, Tensor beta, double eps, Tensor y, Tensor mean, Tensor rstd);

    /**
     * With x̂ = (x − μ)·rstd and d = dy ⊙ gamma:
     *
     * <pre>
     *   dx ← dx + rstd·(d − mean(d) − x̂·mean(d ⊙ x̂))     dgamma ← dgamma + Σ dy ⊙ x̂     dbeta ← dbeta + Σ dy
     * </pre>
     *
     * <p>It adds to dx because in a residual network the gradient of the skip connection is there already.
     *
     * @param dy     (N, C); read
     * @param dx     (N, C); added to
     * @param dgamma (C), or null where gamma is frozen; added to
     * @param dbeta  (C), or null where beta is frozen; added to
     */
    void layerNormBackward(
            Tensor dy, Tensor x, Tensor gamma, Tensor mean, Tensor rstd, Tensor dx, Tensor dgamma, Tensor dbeta);

    // ------------------------------------------------------------------------------------------------ attention

    /**
     * Masked multi-head attention (Vaswani et al. 2017), for each sequence and head:
     *
     * <pre>
     *   S = scale·q·kᵀ, and −∞ where the causal or the padding mask hides the key
     *   P = softmax over keys of S      y = dropout(P)·v      lse = log Σ exp S
     * </pre>
     *
     * <p>A query that sees no key at all (in the padding on the left) gets y = 0 and lse = −∞. Dropout's element of
     * sequence b, head h, query t, key s is ((b·nHead + h)·queries + t)·keys + s.
     *
     * @param q    (batch·queries, width); read
     * @param k    (batch·keyRows, width); read
     * @param v    (batch·keyRows, width); read
     * @param mask (batch, keys), 1 for a key that may be seen and 0 for padding; null if all may
     * @param y    (batch·queries, width); written
     * @param lse  (batch·nHead, queries); written, for backward; null if there will be none
     */
    void attention(
            MatrixView q, MatrixView k, MatrixView v, IntTensor mask, AttentionShape shape, DropoutMask dropout,
            MatrixView y, Tensor lse);

    /**
     * The gradient of {@link #attention}, recomputing P = exp(S − lse) instead of storing it. With M the dropout mask
     * and its factor, and D = Σ over features of dy ⊙ y:
     *
     * <pre>
     *   dv = (P ⊙ M)ᵀ·dy      dS = P ⊙ (M ⊙ (dy·vᵀ) − D)      dq = scale·dS·k      dk = scale·dSᵀ·q
     * </pre>
     *
     * @param dy ∂L/∂y; read
     * @param y  what forward wrote; read
     * @param dq as q; written
     * @param dk as k; written in the rows that take part
     * @param dv as v; written in the rows that take part
     */
    void attentionBackward(
            MatrixView dy, MatrixView q, MatrixView k, MatrixView v, MatrixView y, Tensor lse, IntTensor mask,
            AttentionShape shape, DropoutMask dropout, MatrixView dq, MatrixView dk, MatrixView dv);

    /**
     * Attention of single queries to keys that lie anywhere, each query with a list of rows of its own. It is what decoding
     * wants where sequences share their beginning or branch off from one another: they name the same rows, and none is
     * copied. For each query n and head:
     *
     * <pre>
     *   S[s] = scale·q·k[rows[n, s]], and −∞ where the mask hides it      P = softmax over s of S      y = Σ P[s]·v[rows[n, s]]
     * </pre>
     *
     * <p>A query whose keys are all hidden gets y = 0. A query's y depends on its own keys only, not on how many there are
     * of either in the call: on {@code cpu} not by a bit. A backend without a kernel for it inherits this one, which
     * gathers the rows first.
     *
     * @param q     (N, width); read
     * @param k     (R, width); read in the rows named
     * @param v     (R, width); read in the rows named
     * @param rows  (N, S), each in 0 … R − 1, those of hidden keys too; read
     * @param mask  (N, S), 1 for a key that may be seen and 0 for one that is hidden; null if all may
     * @param nHead number of heads, divides the width
     * @param scale what multiplies q·k
     * @param y     (N, width); written
     * @throws IndexOutOfBoundsException if a row is outside k and v
     */
    default void gatheredAttention(
            MatrixView q, Tensor k, Tensor v, IntTensor rows, IntTensor mask, int nHead, double scale, MatrixView y) {
        Checks.gatheredAttention(q, k, v, rows, mask, nHead, y);
        if (rows.size() == 0) {
            return;
        }
        int keys = rows.size() / q.rows();
        Tensor gatheredKeys = allocate(Shape.of(rows.size(), q.columns()));
        Tensor gatheredValues = allocate(Shape.of(rows.size(), q.columns()));
        gatherRows(k, rows, gatheredKeys, 0);
        gatherRows(v, rows, gatheredValues, 0);
        attention(q, gatheredKeys.matrix(), gatheredValues.matrix(), mask,
                new AttentionShape(q.rows(), 1, keys, keys, nHead, q.columns() / nHead, scale, false), DropoutMask.NONE, y,
                null);
    }

    // ------------------------------------------------------------------------------------------------ embeddings

    /**
     * Gathers rows: out[i] ← table[rows[i]] + beta·out[i].
     *
     * @param table (V, C); read
     * @param rows  (N), each in 0 … V − 1; read
     * @param out   (N, C); written. With beta = 0 its old content is not read
     * @throws IndexOutOfBoundsException if a row is outside the table
     */
    void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta);

    /**
     * The gradient of {@link #gatherRows}: table[rows[i]] ← table[rows[i]] + g[i], in the order of i, so that rows that
     * occur more than once are summed the same way on every run.
     *
     * @param g     (N, C); read
     * @param rows  (N), each in 0 … V − 1; read
     * @param table (V, C); added to
     */
    void scatterAddRows(Tensor g, IntTensor rows, Tensor table);

    // ------------------------------------------------------------------------------------------------ loss

    /**
     * Softmax cross-entropy with label smoothing ε. With p = softmax(z) of a row z and its target y:
     *
     * <pre>
     *   loss = (1 − ε)·(−log p_y) + (ε/V)·Σ over j of (−log p_j)
     * </pre>
     *
     * <p>The smoothing is that of the authors' scripts (and of PyTorch's {@code label_smoothing}). A negative target is
     * ignored: its loss is 0.
     *
     * @param logits  (N, V); read
     * @param targets (N), in 0 … V − 1 or negative; read
     * @param losses  (N); written
     */
    void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses);

    /**
     * {@link #crossEntropy} and its gradient in one pass, over the logits themselves:
     *
     * <pre>
     *   logits ← weight·(p − (1 − ε)·onehot(y) − ε/V), and 0 in the rows of ignored targets
     * </pre>
     *
     * @param logits  (N, V); read, then written with ∂(weight·Σ loss)/∂logits
     * @param targets (N), in 0 … V − 1 or negative; read
     * @param weight  what each row's loss counts, 1/(number of targets) for a mean
     * @param losses  (N); written, without the weight
     */
    void crossEntropyWithGradient(
            Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses);

    // ------------------------------------------------------------------------------------------------ reductions, update

    /** Σ x, summed in a fixed order with at least double's care. */
    double sum(Tensor x);

    /** Σ x², summed in a fixed order with at least double's care. */
    double sumOfSquares(Tensor x);

    /**
     * One AdamW update (Loshchilov and Hutter 2019, algorithm 2) with the gradient g:
     *
     * <pre>
     *   m ← β₁·m + (1 − β₁)·g      v ← β₂·v + (1 − β₂)·g²
     *   p ← p − η·(m/c₁) / (√(v/c₂) + ε)      c₁ = 1 − β₁ᵗ, c₂ = 1 − β₂ᵗ
     *   p ← p − η·λ·p, before that or after it as the step says
     * </pre>
     *
     * @param p parameter; read and written
     * @param g its gradient; read
     * @param m first moment; read and written
     * @param v second moment; read and written
     */
    void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step);

    /** What this backend has done so far, counted by name, such as kernels run: for benchmarks. Empty if it counts nothing. */
    default Map<String, Long> counters() {
        return Map.of();
    }

    /** Gives back threads and device memory. Idempotent. */
    @Override
    void close();
}
