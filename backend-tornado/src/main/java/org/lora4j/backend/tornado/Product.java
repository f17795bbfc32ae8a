package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.tensor.MatrixView;

/**
 * A matrix product and what is done to its result while it is at hand; see
 * {@link org.lora4j.backend.tornado.kernel.ProductKernels} for the formula and the numbers of a launch.
 */
final class Product extends Operation {

    /** Up to this depth, a product that adds to another's result is computed along with it: a LoRA update. */
    static final int LOW_RANK = 128;

    private static final int NONE = -1;

    final int m;
    final int n;
    final int depth;
    final Matrix a;
    final Matrix b;
    final Matrix c;
    final double alpha;
    final double beta;
    private final int bias;
    private final List<int[]> operands = new ArrayList<>();
    private final List<Part> parts = new ArrayList<>();
    private double partFactor;
    private int residual = NONE;
    private int residualRow;
    private int geluKind;
    private int geluTo = NONE;
    private int slopeOf = NONE;
    private boolean storesC = true;

    /** A view as the kernel reads it: element (i, j) at offset + i·row + j·column. */
    record Matrix(int offset, int row, int column, int rows, int columns) {

        static Matrix of(MatrixView view) {
            return new Matrix(Block.offset(view), view.transposed() ? 1 : view.rowStride(), view.transposed() ? view.rowStride() : 1,
                    view.rows(), view.columns());
        }

        boolean sameForm(Matrix other) {
            return row == other.row && column == other.column && rows == other.rows && columns == other.columns;
        }

        /** Whether the rows follow each other without a gap. */
        boolean isWhole() {
            return column == 1 && row == columns;
        }
    }

    /** A low-rank update of some of the columns. */
    private record Part(int firstColumn, int columns, Matrix u, Matrix v) {
    }

    /** c ← alpha·a·b + beta·c + bias; bias is an offset, or −1 for none. */
    Product(MatrixView a, MatrixView b, MatrixView c, double alpha, double beta, int bias) {
        super(null);
        this.m = a.rows();
        this.n = b.columns();
        this.depth = a.columns();
        this.a = Matrix.of(a);
        this.b = Matrix.of(b);
        this.c = Matrix.of(c);
        this.alpha = alpha;
        this.beta = beta;
        this.bias = bias;
        operands.add(new int[] {this.a.offset, this.b.offset, this.c.offset});
        reading(Region.of(a), Region.of(b)).writing(Region.of(c));
        if (bias >= 0) {
            reading(new Region(bias, bias + n));
        }
    }

    /** Several products of one shape in one launch. */
    @Override
    boolean absorb(Operation next) {
        if (next instanceof Product other && isPlain() && other.isPlain() && a.sameForm(other.a) && b.sameForm(other.b)
                && c.sameForm(other.c) && alpha == other.alpha && beta == other.beta && bias == NONE && other.bias == NONE
                && (long) (operands.size() + 1) * m * n < Integer.MAX_VALUE && isIndependentOf(other)) {
            operands.addAll(other.operands);
            alsoTouch(other);
            return true;
        }
        return false;
    }

    private boolean isPlain() {
        return parts.isEmpty() && isOpen();
    }

    /** Whether the result is stored as it is, so that more can be done to it. */
    private boolean isOpen() {
        return residual == NONE && geluTo == NONE && slopeOf == NONE;
    }

    /** c's columns ← + s·u·v, if the update is of low rank and falls into c. */
    boolean attach(Product update) {
        if (operands.size() > 1 || update.operands.size() > 1 || !isOpen() || !update.isPlain() || update.beta != 1
                || update.bias != NONE || update.depth > LOW_RANK || update.m != m || update.c.row != c.row
                || !parts.isEmpty() && (update.alpha != partFactor || !sameFormAsParts(update))) {
            return false;
        }
        int column = update.c.offset - c.offset;
        if (column < 0 || column + update.n > n) {
            return false;
        }
        partFactor = update.alpha;
        parts.add(new Part(column, update.n, update.a, update.b));
        alsoTouch(update);
        return true;
    }

    private boolean sameFormAsParts(Product update) {
        Part first = parts.getFirst();
        return first.u.row == update.a.row && first.u.column == update.a.column && first.v.row == update.b.row
                && first.v.column == update.b.column && first.u.columns == update.depth;
    }

    /** g ← GELU(c) besides, or instead where g is c itself. */
    boolean thenGelu(int x, int g, int count, int kind, Operation gelu) {
        if (!writesWhole(x, count)) {
            return false;
        }
        geluTo = g;
        geluKind = kind;
        storesC = g != x;
        alsoTouch(gelu);
        return true;
    }

    /** c ← c ⊙ GELU′(f). */
    boolean thenGeluSlope(int f, int dy, int dx, int count, int kind, Operation slope) {
        if (dy != dx || !writesWhole(dy, count)) {
            return false;
        }
        slopeOf = f;
        geluKind = kind;
        alsoTouch(slope);
        return true;
    }

    /** c ← c + x, for a whole x that is not c. */
    boolean thenAdd(Matrix x, Matrix y, Operation add) {
        if (operands.size() > 1 || !isOpen() || y.offset != c.offset || !y.sameForm(c) || writes(region(x))) {
            return false;
        }
        residual = x.offset;
        residualRow = x.row;
        alsoTouch(add);
        return true;
    }

    private static Region region(Matrix x) {
        return new Region(x.offset, x.offset + (x.rows - 1) * x.row + x.columns);
    }

    private boolean writesWhole(int offset, int count) {
        return operands.size() == 1 && isOpen() && c.isWhole() && c.offset == offset && m * n == count;
    }

    /** What c occupies. */
    Region result() {
        return region(c);
    }

    @Override
    Launch launch() {
        int[] args = new int[26];
        args[0] = operands.size() * m * n;
        args[1] = m;
        args[2] = n;
        args[3] = depth;
        args[4] = a.row;
        args[5] = a.column;
        args[6] = b.row;
        args[7] = b.column;
        args[8] = c.row;
        args[10] = beta == 0 ? 0 : 1;
        args[11] = bias;
        args[12] = residual;
        args[13] = residualRow;
        args[14] = geluKind;
        args[15] = geluTo;
        args[16] = slopeOf;
        args[17] = storesC ? 1 : 0;
        args[18] = n;
        args[19] = parts.size();
        int[] offsets = new int[3 * operands.size()];
        for (int i = 0; i < operands.size(); i++) {
            System.arraycopy(operands.get(i), 0, offsets, 3 * i, 3);
        }
        Launch launch = Launch.of(Kernel.PRODUCT, args, alpha, beta, partFactor).with(9, offsets);
        return parts.isEmpty() ? launch : withParts(launch);
    }

    private Launch withParts(Launch launch) {
        int[] args = launch.args();
        Part first = parts.getFirst();
        args[21] = first.u.columns;
        args[22] = first.u.row;
        args[23] = first.u.column;
        args[24] = first.v.row;
        args[25] = first.v.column;
        int[] list = new int[4 * parts.size()];
        for (int i = 0; i < parts.size(); i++) {
            Part part = parts.get(i);
            list[4 * i] = part.firstColumn;
            list[4 * i + 1] = part.columns;
            list[4 * i + 2] = part.u.offset;
            list[4 * i + 3] = part.v.offset;
        }
        return launch.with(20, list);
    }
}
