package org.lora4j.backend.tornado;

import org.lora4j.tensor.MatrixView;

/** Records the operations on columns; the arguments have been checked. */
final class ColumnCalls {

    private final Operands operands;

    ColumnCalls(Operands operands) {
        this.operands = operands;
    }

    void addRow(MatrixView row, double alpha, MatrixView y) {
        Region[] reads = {operands.region(row, "row")};
        Region to = operands.region(y, "y");
        operands.record(Launch.of(Kernel.ADD_ROW, new int[] {
            Math.multiplyExact(y.rows(), y.columns()), y.columns(), reads[0].from(), to.from(), y.rowStride()}, alpha), reads, to);
    }

    void scale(MatrixView x, MatrixView factors, double shift, MatrixView y, double beta) {
        Region[] reads = {operands.region(x, "x"), operands.region(factors, "factors")};
        Region to = operands.region(y, "y");
        operands.record(Launch.of(Kernel.SCALE_COLUMNS, new int[] {
            Math.multiplyExact(x.rows(), x.columns()), x.columns(), reads[0].from(), x.rowStride(), reads[1].from(), to.from(),
            y.rowStride(), beta == 0 ? 0 : 1}, shift, beta), reads, to);
    }

    void addDots(MatrixView a, MatrixView b, MatrixView out) {
        Region[] reads = {operands.region(a, "a"), operands.region(b, "b")};
        Region to = operands.region(out, "out");
        if (b.rows() > 0) {
            operands.record(Launch.of(Kernel.COLUMN_DOTS, new int[] {
                b.columns(), b.rows(), reads[0].from(), a.transposed() ? 1 : a.rowStride(), a.transposed() ? a.rowStride() : 1,
                reads[1].from(), b.rowStride(), to.from()}), reads, to);
        }
    }

    void divideByRoots(MatrixView x, MatrixView squares, MatrixView y, double beta) {
        Region[] reads = {operands.region(x, "x"), operands.region(squares, "squares")};
        Region to = operands.region(y, "y");
        operands.record(Launch.of(Kernel.DIVIDE_BY_ROOTS, new int[] {
            Math.multiplyExact(x.rows(), x.columns()), x.columns(), reads[0].from(), x.rowStride(), reads[1].from(),
            squares.rowStride(), to.from(), y.rowStride(), beta == 0 ? 0 : 1}, beta), reads, to);
    }
}
