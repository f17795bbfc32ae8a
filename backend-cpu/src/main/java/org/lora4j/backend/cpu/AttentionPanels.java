package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Small matrices in panels of {@link #WIDTH} columns, and products of them: what attention is made of. In a matrix of R
 * rows, element (i, j) is at
 *
 * <pre>
 *   (j / WIDTH)·R·WIDTH + i·WIDTH + j mod WIDTH
 * </pre>
 *
 * so that a tile reads one stretch of memory, at distances that the compiler knows. The last panel is as wide as the
 * others; what lies beyond the matrix's columns is zero up to the next whole vector.
 *
 * <p>Every element of a product is one chain of fused multiply-adds in the order of the inner index, whatever tile it
 * falls in.
 */
final class AttentionPanels {

    /** Vectors in a row of a tile. 4 rows × 4 accumulators fill 32 registers well, 4 × 2 fill 16. */
    static final int VECTORS = LANES >= 16 ? 4 : 2;
    static final int WIDTH = VECTORS * LANES;
    /** Rows of a tile; a vector is never shorter, so columns in whole vectors are a transpose's rows in whole tiles. */
    static final int ROWS = 4;
    /** Rows and columns of what is transposed at once. */
    private static final int SQUARE = LANES >= 8 ? 8 : 4;

    private AttentionPanels() {
    }

    static int roundUp(int value, int multiple) {
        return (value + multiple - 1) / multiple * multiple;
    }

    /** Elements of a matrix. */
    static int size(int rows, int columns) {
        return rows * roundUp(columns, WIDTH);
    }

    /** Packs factor·x, rows beyond {@code rows} up to {@code paddedRows} zero. */
    static void pack(
            float[] x, int offset, int stride, int rows, int columns, float factor, float[] panels, int paddedRows) {
        for (int column = 0, panel = 0; column < columns; column += WIDTH, panel += paddedRows * WIDTH) {
            int width = Math.min(WIDTH, columns - column);
            for (int row = 0; row < rows; row++) {
                packRow(x, offset + row * stride + column, width, factor, panels, panel + row * WIDTH);
            }
            Arrays.fill(panels, panel + rows * WIDTH, panel + paddedRows * WIDTH, 0);
        }
    }

    private static void packRow(float[] x, int offset, int width, float factor, float[] panels, int to) {
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            FloatVector.fromArray(SPECIES, x, offset + j).mul(factor).intoArray(panels, to + j);
        }
        if (j < width) {
            int end = roundUp(width, LANES);
            for (; j < width; j++) {
                panels[to + j] = x[offset + j] * factor;
            }
            for (; j < end; j++) {
                panels[to + j] = 0;
            }
        }
    }

    /** Packs xᵀ for x of {@code rows} × {@code columns}: the panels hold {@code columns} rows of WIDTH rows of x each. */
    static void packTransposed(float[] x, int offset, int stride, int rows, int columns, float[] panels) {
        for (int row = 0, panel = 0; row < rows; row += WIDTH, panel += columns * WIDTH) {
            int width = Math.min(WIDTH, rows - row);
            if (width % LANES != 0) {
                clear(panels, panel + width / LANES * LANES, columns);
            }
            int from = offset + row * stride;
            if (width < SQUARE || columns < SQUARE) {
                for (int j = 0; j < width; j++) {
                    packColumn(x, from + j * stride, columns, panels, panel + j);
                }
                continue;
            }
            // the last squares overlap those before them where they do not come out even
            int whole = columns - columns % SQUARE;
            for (int j = 0; j < width; j += SQUARE) {
                int at = Math.min(j, width - SQUARE);
                turn(x, from + at * stride, stride, whole, panels, panel + at);
                if (whole < columns) {
                    int last = columns - SQUARE;
                    turn(x, from + at * stride + last, stride, SQUARE, panels, panel + last * WIDTH + at);
                }
            }
        }
    }

    /** SQUARE rows, and columns in whole squares. */
    private static void turn(float[] x, int from, int stride, int columns, float[] panels, int to) {
        if (SQUARE == 8) {
            Squares.transpose8(x, from, stride, SQUARE, columns, panels, to, WIDTH);
        } else {
            Squares.transpose4(x, from, stride, SQUARE, columns, panels, to, WIDTH);
        }
    }

    /** Zeros in one vector of each of the panel's first {@code rows} rows. */
    private static void clear(float[] panels, int at, int rows) {
        for (int i = 0; i < rows; i++) {
            FloatVector.zero(SPECIES).intoArray(panels, at + i * WIDTH);
        }
    }

    private static void packColumn(float[] x, int offset, int count, float[] panels, int to) {
        for (int i = 0; i < count; i++) {
            panels[to + i * WIDTH] = x[offset + i];
        }
    }

    /** Writes factor·panels to rows of an ordinary matrix. */
    static void unpack(
            float[] panels, int paddedRows, int rows, int columns, float factor, float[] y, int offset, int stride) {
        for (int column = 0, panel = 0; column < columns; column += WIDTH, panel += paddedRows * WIDTH) {
            int width = Math.min(WIDTH, columns - column);
            for (int row = 0; row < rows; row++) {
                unpackRow(panels, panel + row * WIDTH, width, factor, y, offset + row * stride + column);
            }
        }
    }

    private static void unpackRow(float[] panels, int from, int width, float factor, float[] y, int offset) {
        int j = 0;
        for (; j <= width - LANES; j += LANES) {
            FloatVector.fromArray(SPECIES, panels, from + j).mul(factor).intoArray(y, offset + j);
        }
        for (; j < width; j++) {
            y[offset + j] = panels[from + j] * factor;
        }
    }

    /**
     * c ← a·b, or c ← c + a·b.
     *
     * @param a       aRows × depth in panels, of which the first {@code rows}, rounded up to whole tiles, are used
     * @param b       bRows × columns in panels, of which the first {@code depth} rows are used
     * @param c       cRows × columns in panels
     * @param columns computed up to whole vectors
     */
    static void multiply(
            float[] a, int aRows, float[] b, int bRows, float[] c, int cRows, int rows, int columns, int depth,
            boolean add) {
        multiply(a, aRows, b, 0, bRows, c, cRows, rows, columns, depth, add);
    }

    /** The same with b's first element at {@code b0}: a later panel, or a later row of all panels. */
    static void multiply(
            float[] a, int aRows, float[] b, int b0, int bRows, float[] c, int cRows, int rows, int columns, int depth,
            boolean add) {
        for (int column = 0, panel = 0; column < columns; column += WIDTH, panel++) {
            int vectors = vectors(Math.min(WIDTH, columns - column));
            for (int from = 0, aPanel = 0; from == 0 || from < depth; from += WIDTH, aPanel++) {
                tiles(a, aPanel * aRows * WIDTH, WIDTH, 1, b, b0 + (panel * bRows + from) * WIDTH, c,
                        panel * cRows * WIDTH, rows, vectors, Math.min(WIDTH, depth - from), add || from > 0);
            }
        }
    }

    /**
     * c ← c + aᵀ·b.
     *
     * @param a       aRows × rows in panels, of which the first {@code depth} rows are used
     * @param b       bRows × columns in panels, likewise
     * @param c       cRows × columns in panels, of which the first {@code rows}, rounded up to whole tiles, are added to
     * @param columns computed up to whole vectors
     */
    static void addTransposedProduct(
            float[] a, int aRows, float[] b, int bRows, float[] c, int cRows, int rows, int columns, int depth) {
        addTransposedProduct(a, aRows, b, bRows, c, 0, cRows, rows, columns, depth);
    }

    /** The same, to the rows of c from {@code cFirst} on, a multiple of {@link #ROWS}. */
    static void addTransposedProduct(
            float[] a, int aRows, float[] b, int bRows, float[] c, int cFirst, int cRows, int rows, int columns, int depth) {
        for (int row = 0, aPanel = 0; row < rows; row += WIDTH, aPanel++) {
            for (int column = 0, panel = 0; column < columns; column += WIDTH, panel++) {
                tiles(a, aPanel * aRows * WIDTH, 1, WIDTH, b, panel * bRows * WIDTH, c, (panel * cRows + cFirst + row) * WIDTH,
                        Math.min(WIDTH, rows - row), vectors(Math.min(WIDTH, columns - column)), depth, true);
            }
        }
    }

    static int vectors(int columns) {
        return (columns + LANES - 1) / LANES;
    }

    /** One panel's width of c; a's element (i, p) is at a0 + i·aRow + p·aStep. */
    static void tiles(
            float[] a, int a0, int aRow, int aStep, float[] b, int b0, float[] c, int c0, int rows, int vectors,
            int depth, boolean add) {
        for (int row = 0; row < rows; row += ROWS) {
            int ai = a0 + row * aRow;
            int ci = c0 + row * WIDTH;
            int done = 0;
            if (vectors >= 4) {
                tile4(a, ai, aRow, aStep, b, b0, c, ci, depth, add);
                done = 4;
            }
            if (vectors - done >= 2) {
                tile2(a, ai, aRow, aStep, b, b0 + done * LANES, c, ci + done * LANES, depth, add);
                done += 2;
            }
            if (vectors > done) {
                tile1(a, ai, aRow, aStep, b, b0 + done * LANES, c, ci + done * LANES, depth, add);
            }
        }
    }

    private static FloatVector start(float[] c, int at, boolean add) {
        return add ? FloatVector.fromArray(SPECIES, c, at) : FloatVector.zero(SPECIES);
    }

    private static FloatVector all(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    private static void tile4(
            float[] a, int a0, int aRow, int aStep, float[] b, int b0, float[] c, int c0, int depth, boolean add) {
        FloatVector c00 = start(c, c0, add);
        FloatVector c01 = start(c, c0 + LANES, add);
        FloatVector c02 = start(c, c0 + 2 * LANES, add);
        FloatVector c03 = start(c, c0 + 3 * LANES, add);
        FloatVector c10 = start(c, c0 + WIDTH, add);
        FloatVector c11 = start(c, c0 + WIDTH + LANES, add);
        FloatVector c12 = start(c, c0 + WIDTH + 2 * LANES, add);
        FloatVector c13 = start(c, c0 + WIDTH + 3 * LANES, add);
        FloatVector c20 = start(c, c0 + 2 * WIDTH, add);
        FloatVector c21 = start(c, c0 + 2 * WIDTH + LANES, add);
        FloatVector c22 = start(c, c0 + 2 * WIDTH + 2 * LANES, add);
        FloatVector c23 = start(c, c0 + 2 * WIDTH + 3 * LANES, add);
        FloatVector c30 = start(c, c0 + 3 * WIDTH, add);
        FloatVector c31 = start(c, c0 + 3 * WIDTH + LANES, add);
        FloatVector c32 = start(c, c0 + 3 * WIDTH + 2 * LANES, add);
        FloatVector c33 = start(c, c0 + 3 * WIDTH + 3 * LANES, add);
        for (int p = 0; p < depth; p++) {
            int bi = b0 + p * WIDTH;
            FloatVector b0v = FloatVector.fromArray(SPECIES, b, bi);
            FloatVector b1v = FloatVector.fromArray(SPECIES, b, bi + LANES);
            FloatVector b2v = FloatVector.fromArray(SPECIES, b, bi + 2 * LANES);
            FloatVector b3v = FloatVector.fromArray(SPECIES, b, bi + 3 * LANES);
            int ai = a0 + p * aStep;
            FloatVector a0v = all(a[ai]);
            c00 = b0v.fma(a0v, c00);
            c01 = b1v.fma(a0v, c01);
            c02 = b2v.fma(a0v, c02);
            c03 = b3v.fma(a0v, c03);
            FloatVector a1v = all(a[ai + aRow]);
            c10 = b0v.fma(a1v, c10);
            c11 = b1v.fma(a1v, c11);
            c12 = b2v.fma(a1v, c12);
            c13 = b3v.fma(a1v, c13);
            FloatVector a2v = all(a[ai + 2 * aRow]);
            c20 = b0v.fma(a2v, c20);
            c21 = b1v.fma(a2v, c21);
            c22 = b2v.fma(a2v, c22);
            c23 = b3v.fma(a2v, c23);
            FloatVector a3v = all(a[ai + 3 * aRow]);
            c30 = b0v.fma(a3v, c30);
            c31 = b1v.fma(a3v, c31);
            c32 = b2v.fma(a3v, c32);
            c33 = b3v.fma(a3v, c33);
        }
        c00.intoArray(c, c0);
        c01.intoArray(c, c0 + LANES);
        c02.intoArray(c, c0 + 2 * LANES);
        c03.intoArray(c, c0 + 3 * LANES);
        c10.intoArray(c, c0 + WIDTH);
        c11.intoArray(c, c0 + WIDTH + LANES);
        c12.intoArray(c, c0 + WIDTH + 2 * LANES);
        c13.intoArray(c, c0 + WIDTH + 3 * LANES);
        c20.intoArray(c, c0 + 2 * WIDTH);
        c21.intoArray(c, c0 + 2 * WIDTH + LANES);
        c22.intoArray(c, c0 + 2 * WIDTH + 2 * LANES);
        c23.intoArray(c, c0 + 2 * WIDTH + 3 * LANES);
        c30.intoArray(c, c0 + 3 * WIDTH);
        c31.intoArray(c, c0 + 3 * WIDTH + LANES);
        c32.intoArray(c, c0 + 3 * WIDTH + 2 * LANES);
        c33.intoArray(c, c0 + 3 * WIDTH + 3 * LANES);
    }

    private static void tile2(
            float[] a, int a0, int aRow, int aStep, float[] b, int b0, float[] c, int c0, int depth, boolean add) {
        FloatVector c00 = start(c, c0, add);
        FloatVector c01 = start(c, c0 + LANES, add);
        FloatVector c10 = start(c, c0 + WIDTH, add);
        FloatVector c11 = start(c, c0 + WIDTH + LANES, add);
        FloatVector c20 = start(c, c0 + 2 * WIDTH, add);
        FloatVector c21 = start(c, c0 + 2 * WIDTH + LANES, add);
        FloatVector c30 = start(c, c0 + 3 * WIDTH, add);
        FloatVector c31 = start(c, c0 + 3 * WIDTH + LANES, add);
        for (int p = 0; p < depth; p++) {
            int bi = b0 + p * WIDTH;
            FloatVector b0v = FloatVector.fromArray(SPECIES, b, bi);
            FloatVector b1v = FloatVector.fromArray(SPECIES, b, bi + LANES);
            int ai = a0 + p * aStep;
            FloatVector a0v = all(a[ai]);
            c00 = b0v.fma(a0v, c00);
            c01 = b1v.fma(a0v, c01);
            FloatVector a1v = all(a[ai + aRow]);
            c10 = b0v.fma(a1v, c10);
            c11 = b1v.fma(a1v, c11);
            FloatVector a2v = all(a[ai + 2 * aRow]);
            c20 = b0v.fma(a2v, c20);
            c21 = b1v.fma(a2v, c21);
            FloatVector a3v = all(a[ai + 3 * aRow]);
            c30 = b0v.fma(a3v, c30);
            c31 = b1v.fma(a3v, c31);
        }
        c00.intoArray(c, c0);
        c01.intoArray(c, c0 + LANES);
        c10.intoArray(c, c0 + WIDTH);
        c11.intoArray(c, c0 + WIDTH + LANES);
        c20.intoArray(c, c0 + 2 * WIDTH);
        c21.intoArray(c, c0 + 2 * WIDTH + LANES);
        c30.intoArray(c, c0 + 3 * WIDTH);
        c31.intoArray(c, c0 + 3 * WIDTH + LANES);
    }

    private static void tile1(
            float[] a, int a0, int aRow, int aStep, float[] b, int b0, float[] c, int c0, int depth, boolean add) {
        FloatVector c00 = start(c, c0, add);
        FloatVector c10 = start(c, c0 + WIDTH, add);
        FloatVector c20 = start(c, c0 + 2 * WIDTH, add);
        FloatVector c30 = start(c, c0 + 3 * WIDTH, add);
        for (int p = 0; p < depth; p++) {
            FloatVector bv = FloatVector.fromArray(SPECIES, b, b0 + p * WIDTH);
            int ai = a0 + p * aStep;
            c00 = bv.fma(all(a[ai]), c00);
            c10 = bv.fma(all(a[ai + aRow]), c10);
            c20 = bv.fma(all(a[ai + 2 * aRow]), c20);
            c30 = bv.fma(all(a[ai + 3 * aRow]), c30);
        }
        c00.intoArray(c, c0);
        c10.intoArray(c, c0 + WIDTH);
        c20.intoArray(c, c0 + 2 * WIDTH);
        c30.intoArray(c, c0 + 3 * WIDTH);
    }
}
