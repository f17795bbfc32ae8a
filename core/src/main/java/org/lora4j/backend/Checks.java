package org.lora4j.backend;

import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * The argument checks of {@link Backend}'s operations, one method for each, so that every backend refuses the same calls
 * with the same words. A method returns if the shapes fit and throws a {@link ShapeMismatchException} that holds all of
 * them as passed if not:
 *
 * <pre>
 *   matmul needs a (m, k), b (k, n), c (m, n), found a (2, 3), b (4, 5), c (2, 5)
 * </pre>
 *
 * <p>A tensor of a higher rank counts as the matrix it folds to, so (B, T, C) fits (B·T, C); a vector may have any shape
 * of its size. A view that is written, or whose operation does not speak of transposes, must not be transposed.
 */
public final class Checks {

    private Checks() {
    }

    /** Requires what {@link Backend#copy} asks of its arguments. */
    public static void copy(MatrixView x, MatrixView y) {
        require(same(x, y) && stored(x, y), "copy", "x and y of one shape, not transposed", "x", x, "y", y);
    }

    /** Requires what {@link Backend#add} asks of its arguments. */
    public static void add(MatrixView x, MatrixView y) {
        require(same(x, y) && stored(x, y), "add", "x and y of one shape, not transposed", "x", x, "y", y);
    }

    /** Requires what {@link Backend#dropout} asks of its arguments. */
    public static void dropout(Tensor x, Tensor y) {
        require(same(x, y), "dropout", "x and y of one shape", "x", x, "y", y);
    }

    /** Requires what {@link Backend#multiply} asks of its arguments. */
    public static void multiply(Tensor x, Tensor y, Tensor z) {
        require(same(x, y) && same(x, z), "multiply", "x, y and z of one shape", "x", x, "y", y, "z", z);
    }

    /** Requires what {@link Backend#activate} asks of its arguments. */
    public static void activate(Tensor x, Tensor y) {
        require(same(x, y), "activate", "x and y of one shape", "x", x, "y", y);
    }

    /** Requires what {@link Backend#activateBackward} asks of its arguments. */
    public static void activateBackward(Tensor x, Tensor dy, Tensor dx) {
        require(same(x, dy) && same(x, dx), "activateBackward", "x, dy and dx of one shape", "x", x, "dy", dy, "dx", dx);
    }

    /** Requires what {@link Backend#addRow} asks of its arguments. */
    public static void addRow(MatrixView row, MatrixView y) {
        require(row.rows() == 1 && row.columns() == y.columns() && stored(row, y),
                "addRow", "row (1, C), y (N, C), not transposed", "row", row, "y", y);
    }

    /** Requires what {@link Backend#scaleColumns} asks of its arguments. */
    public static void scaleColumns(MatrixView x, MatrixView factors, MatrixView y) {
        require(same(x, y) && factors.rows() == 1 && factors.columns() == x.columns() && stored(x, factors, y),
                "scaleColumns", "x and y (N, C), factors (1, C), not transposed", "x", x, "factors", factors, "y", y);
    }

    /** Requires what {@link Backend#addColumnDots} asks of its arguments. */
    public static void addColumnDots(MatrixView a, MatrixView b, MatrixView out) {
        require(same(a, b) && stored(b, out) && out.rows() == 1 && out.columns() == a.columns(),
                "addColumnDots", "a and b (N, C), b not transposed, out (1, C)", "a", a, "b", b, "out", out);
    }

    /** Requires what {@link Backend#divideByRoots} asks of its arguments. */
    public static void divideByRoots(MatrixView x, MatrixView squares, MatrixView y) {
        require(same(x, squares) && same(x, y) && stored(x, squares, y),
                "divideByRoots", "x, squares and y of one shape, not transposed", "x", x, "squares", squares, "y", y);
    }

    /** Requires what {@link Backend#matmul} asks of its arguments. */
    public static void matmul(MatrixView a, MatrixView b, MatrixView c) {
        require(a.columns() == b.rows() && c.rows() == a.rows() && c.columns() == b.columns() && stored(c),
                "matmul", "a (m, k), b (k, n), c (m, n)", "a", a, "b", b, "c", c);
    }

    /** Requires what {@link Backend#linear} asks of its arguments. */
    public static void linear(MatrixView x, MatrixView w, @Nullable Tensor bias, MatrixView y) {
        require(x.columns() == w.columns() && y.rows() == x.rows() && y.columns() == w.rows() && stored(y)
                        && (bias == null || bias.size() == w.rows()),
                "linear", "x (N, in), w (out, in), bias (out), y (N, out)", "x", x, "w", w, "bias", bias, "y", y);
    }

    /** Requires what {@link Backend#addColumnSums} asks of its arguments. */
    public static void addColumnSums(MatrixView g, Tensor out) {
        require(g.columns() == out.size() && stored(g), "addColumnSums", "g (N, C), out (C)", "g", g, "out", out);
    }

    /** Requires what {@link Backend#norm} asks of its arguments. */
    public static void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
        int columns = x.columns();
        require(same(x, y) && norm.gamma().size() == columns && (norm.beta() == null || norm.beta().size() == columns)
                        && statisticsFit(norm, rows, x.rows()),
                "norm", "x and y (N, C), gamma and beta (C), mean and rstd (N)" + statisticsNeeded(norm),
                "x", x, "gamma", norm.gamma(), "beta", norm.beta(), "y", y, "mean", rows.mean(), "rstd", rows.rstd());
    }

    /** Requires what {@link Backend#normBackward} asks of its arguments. */
    public static void normBackward(
            Norm norm, NormStatistics rows, Tensor x, Tensor dy, Tensor dx, @Nullable Tensor dgamma, @Nullable Tensor dbeta) {
        int columns = x.columns();
        require(same(x, dy) && same(x, dx) && norm.gamma().size() == columns && statisticsFit(norm, rows, x.rows())
                        && (dgamma == null || dgamma.size() == columns)
                        && (dbeta == null || norm.kind().centres() && dbeta.size() == columns),
                "normBackward", "dy, x and dx (N, C), gamma, dgamma and dbeta (C), mean and rstd (N)" + statisticsNeeded(norm),
                "dy", dy, "x", x, "gamma", norm.gamma(), "mean", rows.mean(), "rstd", rows.rstd(), "dx", dx, "dgamma", dgamma,
                "dbeta", dbeta);
    }

    private static boolean statisticsFit(Norm norm, NormStatistics rows, int count) {
        return rows.rstd().size() == count && (norm.kind().centres() ? rows.mean() != null && rows.mean().size() == count
                : rows.mean() == null);
    }

    private static String statisticsNeeded(Norm norm) {
        return norm.kind().centres() ? "" : ", without beta, dbeta and mean as " + norm.kind() + " has none";
    }

    /** Requires what {@link Backend#attention} asks of its arguments. */
    public static void attention(Attention in, AttentionOutput out) {
        AttentionShape shape = in.shape();
        require(inputsFit(in) && queryRows(out.y(), shape) && (out.lse() == null || lseFits(out.lse(), shape)),
                "attention", attentionShapes("q and y", "k and v", shape),
                "q", in.q(), "k", in.k(), "v", in.v(), "mask", in.mask(), "y", out.y(), "lse", out.lse());
        relativeScores("attention", in);
    }

    /** Requires what {@link Backend#attentionBackward} asks of its arguments. */
    public static void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
        AttentionShape shape = in.shape();
        require(inputsFit(in) && queryRows(dy, shape) && queryRows(out.y(), shape) && queryRows(gradient.dq(), shape)
                        && keyRows(gradient.dk(), shape) && keyRows(gradient.dv(), shape) && lseFits(out.lse(), shape),
                "attentionBackward", attentionShapes("dy, q, y and dq", "k, v, dk and dv", shape),
                "dy", dy, "q", in.q(), "k", in.k(), "v", in.v(), "y", out.y(), "lse", out.lse(), "mask", in.mask(),
                "dq", gradient.dq(), "dk", gradient.dk(), "dv", gradient.dv());
        relativeScores("attentionBackward", in);
        RelativeScores relative = in.relative();
        MatrixView keys = relative == null ? null : relative.keys();
        MatrixView queries = relative == null ? null : relative.queries();
        require(gradientFits(gradient.dRelativeKeys(), keys) && gradientFits(gradient.dRelativeQueries(), queries),
                "attentionBackward", "dRelativeKeys as relative keys, dRelativeQueries as relative queries",
                "relative keys", keys, "relative queries", queries, "dRelativeKeys", gradient.dRelativeKeys(),
                "dRelativeQueries", gradient.dRelativeQueries());
    }

    private static boolean gradientFits(@Nullable MatrixView gradient, @Nullable MatrixView of) {
        return gradient == null || of != null && same(gradient, of) && stored(gradient);
    }

    private static void relativeScores(String operation, Attention in) {
        RelativeScores relative = in.relative();
        if (relative == null) {
            return;
        }
        if (in.shape().window() != AttentionShape.NO_WINDOW) {
            throw new IllegalArgumentException(operation + ": relative scores and a window do not go together yet");
        }
        AttentionShape shape = in.shape();
        int distances = shape.queries() + shape.keys() - 1;
        require(relativeRowsFit(relative.keys(), relative, shape) && relativeRowsFit(relative.queries(), relative, shape)
                        && relative.rows().size() == distances,
                operation, "relative keys and queries (P, " + shape.width() + "), rows (" + distances + ")",
                "relative keys", relative.keys(), "relative queries", relative.queries(), "rows", relative.rows());
    }

    private static boolean relativeRowsFit(@Nullable MatrixView x, RelativeScores relative, AttentionShape shape) {
        return x == null || x.rows() == relative.count() && x.columns() == shape.width() && stored(x);
    }

    private static boolean inputsFit(Attention in) {
        AttentionShape shape = in.shape();
        return queryRows(in.q(), shape) && keyRows(in.k(), shape) && keyRows(in.v(), shape)
                && (in.mask() == null || in.mask().size() == shape.batch() * shape.keys());
    }

    /** Requires what {@link Backend#gatheredAttention} asks of its arguments. */
    public static void gatheredAttention(MatrixView q, GatheredKeys keys, AttentionHeads heads, MatrixView y) {
        int count = keys.rows().size();
        require(same(q, y) && stored(q, y) && same(keys.k(), keys.v()) && q.columns() == heads.width()
                        && keys.k().columns() == heads.keyWidth() && count % Math.max(1, q.rows()) == 0
                        && (q.rows() > 0 || count == 0) && (keys.mask() == null || keys.mask().size() == count),
                "gatheredAttention", "q and y (N, width), k and v (R, keyWidth), rows and mask (N, S), " + heads.count()
                        + " heads and " + heads.keyHeads() + " key heads of " + heads.size(),
                "q", q, "k", keys.k(), "v", keys.v(), "rows", keys.rows(), "mask", keys.mask(), "y", y);
    }

    /** Requires what {@link Backend#rotate} asks of its arguments. */
    public static void rotate(MatrixView x, Rotation rotation) {
        Tensor cosines = rotation.cosines();
        int size = rotation.headSize();
        require(stored(x) && x.columns() % size == 0 && 2 * cosines.columns() <= size && x.rows() == cosines.rows()
                        && same(cosines, rotation.sines()),
                "rotate", "x (N, heads·" + size + "), cosines and sines (N, half) with 2·half ≤ " + size,
                "x", x, "cosines", cosines, "sines", rotation.sines());
    }

    /** Requires what {@link Backend#gatherRows} asks of its arguments. */
    public static void gatherRows(Tensor table, IntTensor rows, Tensor out) {
        require(out.columns() == table.columns() && out.rows() == rows.size(),
                "gatherRows", "table (V, C), rows (N), out (N, C)", "table", table, "rows", rows, "out", out);
    }

    /** Requires what {@link Backend#scatterAddRows} asks of its arguments. */
    public static void scatterAddRows(Tensor g, IntTensor rows, Tensor table) {
        require(g.columns() == table.columns() && g.rows() == rows.size(),
                "scatterAddRows", "g (N, C), rows (N), table (V, C)", "g", g, "rows", rows, "table", table);
    }

    /** A row number, of a token in a vocabulary for example. */
    public static void row(int row, int rows) {
        if (row < 0 || row >= rows) {
            throw new IndexOutOfBoundsException("row " + row + " of a table with " + rows + " rows");
        }
    }

    /** Requires what {@link Backend#crossEntropy} asks of its arguments. */
    public static void crossEntropy(Tensor logits, IntTensor targets, Tensor losses) {
        require(targets.size() == logits.rows() && losses.size() == logits.rows(),
                "crossEntropy", "logits (N, V), targets (N), losses (N)", "logits", logits, "targets", targets, "losses", losses);
    }

    /** A target class, negative where it is ignored. */
    public static void target(int target, int classes) {
        if (target >= classes) {
            throw new IndexOutOfBoundsException("target " + target + " with " + classes + " classes");
        }
    }

    /** Requires what {@link Backend#adamW} asks of its arguments. */
    public static void adamW(Tensor p, Tensor g, Tensor m, Tensor v) {
        require(same(p, g) && same(p, m) && same(p, v), "adamW", "p, g, m and v of one shape", "p", p, "g", g, "m", m, "v", v);
    }

    private static boolean same(Tensor x, Tensor y) {
        return x.rows() == y.rows() && x.columns() == y.columns();
    }

    private static boolean same(MatrixView x, MatrixView y) {
        return x.rows() == y.rows() && x.columns() == y.columns();
    }

    private static boolean stored(MatrixView... views) {
        for (MatrixView view : views) {
            if (view.transposed()) {
                return false;
            }
        }
        return true;
    }

    private static boolean queryRows(MatrixView x, AttentionShape shape) {
        return x.rows() == shape.batch() * shape.queries() && x.columns() == shape.width() && stored(x);
    }

    private static boolean keyRows(MatrixView x, AttentionShape shape) {
        return x.rows() == shape.batch() * shape.keyRows() && x.columns() == shape.keyWidth() && stored(x);
    }

    private static boolean lseFits(@Nullable Tensor lse, AttentionShape shape) {
        return lse.size() == (long) shape.batch() * shape.nHead() * shape.queries();
    }

    private static String attentionShapes(String queries, String keys, AttentionShape shape) {
        return queries + " (" + shape.batch() + "·" + shape.queries() + ", " + shape.width() + "), "
                + keys + " (" + shape.batch() + "·" + shape.keyRows() + ", " + shape.keyWidth() + "), "
                + "mask (" + shape.batch() + ", " + shape.keys() + "), "
                + "lse (" + shape.batch() + "·" + shape.nHead() + ", " + shape.queries() + ")";
    }

    /** The operands come as name, operand, name, operand; a null operand was left out by the caller and is not named. */
    private static void require(boolean fits, String operation, String needed, @Nullable Object... operands) {
        if (fits) {
            return;
        }
        StringBuilder found = new StringBuilder();
        for (int i = 0; i < operands.length; i += 2) {
            if (operands[i + 1] != null) {
                found.append(found.isEmpty() ? "" : ", ").append(operands[i]).append(' ').append(shape(operands[i + 1]));
            }
        }
        throw new ShapeMismatchException(operation + " needs " + needed + ", found " + found);
    }

    private static String shape(Object operand) {
        return switch (operand) {
            case Tensor tensor -> tensor.shape().toString();
            case IntTensor ints -> ints.shape().toString();
            default -> operand.toString();
        };
    }
}
