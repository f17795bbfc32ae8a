package org.lora4j.backend.cpu;

import java.util.Arrays;
import jdk.incubator.vector.VectorSpecies;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.MatrixView;

/**
 * A frozen weight matrix in fewer bytes than floats take. Several weights share an {@code int}: of a group of
 * {@code n·LANES} columns, lane j of its vector of ints holds the columns j, LANES + j, 2·LANES + j …, so that taking it
 * apart gives whole vectors of columns that follow each other, and no lane ever changes its place. Rows are padded with
 * zeros to whole groups.
 */
abstract sealed class CompressedWeights implements Buffer permits Bf16Weights, FourBitRows, Int8Weights {

    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, VectorMath.SPECIES.vectorShape());

    final int rows;
    final int columns;
    /** Ints of a row. */
    final int stride;
    final int[] packed;
    private final int perInt;

    /** @param perInt weights in an int */
    CompressedWeights(int rows, int columns, int perInt) {
        this.rows = rows;
        this.columns = columns;
        this.perInt = perInt;
        int group = perInt * VectorMath.LANES;
        stride = (columns + group - 1) / group * VectorMath.LANES;
        packed = new int[Math.multiplyExact(rows, stride)];
    }

    /** Where a kind keeps its rows itself. */
    CompressedWeights(int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
        perInt = 0;
        stride = 0;
        packed = new int[0];
    }

    /** No more floats will come. */
    void freeze() {
    }

    /** How many columns a row has with its padding: what a vector that it is multiplied with must be padded to. */
    int paddedColumns() {
        return perInt * stride;
    }

    /** Rounds rows of floats into place. */
    abstract void store(float[] src, int from, int firstRow, int rowCount);

    /** Writes {@code count} columns of some rows as floats, each to dst[to + i·columns]. Writes just the columns. */
    abstract void expand(int firstRow, int rowCount, float[] dst, int to, int dstStride);

    /** Writes the groups of columns that hold {@code from} … {@code to} − 1 of a row; from is a group's first column. */
    abstract void expandGroups(int row, int from, int to, float[] dst, int at);

    /**
     * A panel of some rows, see {@link Panels}: panel[at + p·COLUMNS + j] ← W[row + p, column + j], zero beyond the last
     * column; column is a multiple of COLUMNS.
     */
    abstract void expandPanel(int row, int rowCount, int column, float[] panel, int at);

    /** Columns of a group. */
    int group() {
        return perInt * VectorMath.LANES;
    }

    /**
     * A row of floats as {@link #fourDots} wants it: here as it is, with zeros behind it up to {@link #paddedColumns()}.
     *
     * @param x written from {@code to} on
     */
    void layOut(float[] a, int from, float[] x, int to) {
        System.arraycopy(a, from, x, to, columns);
        Arrays.fill(x, to + columns, to + paddedColumns(), 0);
    }

    /**
     * Vectors 0, 4, 8 and 12 of sums, counted from {@code to}, ← the products of rows {@code row}, {@code row + step} … {@code
     * row + 3·step} with x, as lanes that {@link Dots#addLanes} adds up; {@link #scale} times that is Σ over columns of the
     * row·x. A row's bits do not depend on the others.
     *
     * @param x laid out by {@link #layOut}
     */
    abstract void fourDots(int row, int step, float[] x, int xOffset, float[] sums, int to);

    /**
     * Whether {@link Dots} of {@link #expandUnits} and of what {@link #layOut} has laid out are {@link #fourDots} to the bit.
     */
    boolean hasUnits() {
        return true;
    }

    /** A row as floats that {@link #fourDots} multiplies with x, all {@link #paddedColumns()} of it. */
    void expandUnits(int row, float[] dst, int at) {
        throw new UnsupportedOperationException();
    }

    /** What multiplies all of a row. */
    float scale(int row) {
        return 1;
    }

    @Override
    public long capacity() {
        return (long) rows * columns;
    }

    /** The row that begins at this element. */
    int row(long element) {
        if (element % columns != 0) {
            throw new ShapeMismatchException("a weight in a smaller type is written and copied in whole rows of " + columns
                    + " columns, found element " + element);
        }
        return (int) (element / columns);
    }

    void requireWholeRows(MatrixView view) {
        if (view.storedColumns() != columns || view.rowStride() != columns) {
            throw new ShapeMismatchException(
                    "a weight in a smaller type with " + columns + " columns is used in whole rows, found a view " + view);
        }
        row(view.offset());
    }

    /** Any run of elements. */
    void read(long from, float[] dst, int to, int count) {
        float[] row = new float[columns];
        int done = 0;
        while (done < count) {
            long element = from + done;
            int column = (int) (element % columns);
            int length = Math.min(columns - column, count - done);
            expand((int) (element / columns), 1, row, 0, columns);
            System.arraycopy(row, column, dst, to + done, length);
            done += length;
        }
    }
}
