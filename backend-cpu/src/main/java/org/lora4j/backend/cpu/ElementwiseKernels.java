package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** Filling, scaling, copying, adding, dropout, and sums of columns. A matrix is an offset and a distance between rows. */
final class ElementwiseKernels {

    /** Columns that one task of a column sum takes. */
    private static final int STRIPE = 128;
    /** Rows that are summed before they are added to the sum of all: keeps rounding errors from growing with N. */
    private static final int ROW_BLOCK = 32;
    /** Elements whose dropout factors are made at a time: they stay in the nearest cache. */
    private static final int DROPOUT_BLOCK = 2048;

    private ElementwiseKernels() {
    }

    /** x ← value. */
    static void fill(Workers workers, float[] x, int offset, int count, float value) {
        Chunks.elements(workers, count, (from, to) -> Arrays.fill(x, offset + from, offset + to, value));
    }

    /** x ← alpha·x. */
    static void scale(Workers workers, float[] x, int offset, int count, float alpha) {
        Chunks.elements(workers, count, (from, to) -> scale(x, offset + from, to - from, alpha));
    }

    /** y ← x. */
    static void copy(
            Workers workers, float[] x, int xOffset, int xStride, float[] y, int yOffset, int yStride, int rows,
            int columns) {
        if (xStride == columns && yStride == columns) {
            Chunks.elements(workers, rows * columns, (from, to) ->
                    System.arraycopy(x, xOffset + from, y, yOffset + from, to - from));
            return;
        }
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int row = from; row < to; row++) {
                System.arraycopy(x, xOffset + row * xStride, y, yOffset + row * yStride, columns);
            }
        });
    }

    /** y ← y + alpha·x. */
    static void add(
            Workers workers, float[] x, int xOffset, int xStride, float[] y, int yOffset, int yStride, int rows,
            int columns, float alpha) {
        if (xStride == columns && yStride == columns) {
            Chunks.elements(workers, rows * columns, (from, to) ->
                    add(x, xOffset + from, y, yOffset + from, to - from, alpha));
            return;
        }
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int row = from; row < to; row++) {
                add(x, xOffset + row * xStride, y, yOffset + row * yStride, columns, alpha);
            }
        });
    }

    /** z ← x ⊙ y; z may be either. */
    static void multiply(Workers workers, float[] x, float[] y, float[] z, int count) {
        Chunks.elements(workers, count, (from, to) -> multiply(x, from, y, from, z, from, to - from));
    }

    /** y ← x ⊙ keep / (1 − p); y may be x. Without factors a copy. */
    static void dropout(
            Workers workers, float[] x, int xOffset, float[] y, int yOffset, int count, DropoutFactors factors) {
        if (factors == null) {
            if (x != y || xOffset != yOffset) {
                copy(workers, x, xOffset, count, y, yOffset, count, 1, count);
            }
            return;
        }
        Chunks.run(workers, count, DROPOUT_BLOCK, DROPOUT_BLOCK, (from, to) -> {
            float[] factor = Scratch.local().floats(Scratch.Slot.DROPOUT, DROPOUT_BLOCK + DropoutFactors.MARGIN);
            for (int at = from; at < to; at += DROPOUT_BLOCK) {
                int length = Math.min(DROPOUT_BLOCK, to - at);
                int begin = factors.fill(at, length, factor);
                multiply(x, xOffset + at, factor, begin, y, yOffset + at, length);
            }
        });
        factors.complete();
    }

    /** out ← out + Σ over rows of x. Rows are added in order, {@value #ROW_BLOCK} at a time. */
    static void addColumnSums(
            Workers workers, float[] x, int xOffset, int xStride, int rows, int columns, float[] out, int outOffset) {
        int stripes = (columns + STRIPE - 1) / STRIPE;
        workers.run(stripes, stripe -> {
            int column = stripe * STRIPE;
            int width = Math.min(STRIPE, columns - column);
            for (int row = 0; row < rows; row += ROW_BLOCK) {
                addBlockOfRows(x, xOffset + row * xStride + column, xStride, Math.min(ROW_BLOCK, rows - row), width,
                        out, outOffset + column);
            }
        });
    }

    private static void addBlockOfRows(
            float[] x, int xOffset, int xStride, int rows, int columns, float[] out, int outOffset) {
        int j = 0;
        for (; j <= columns - 4 * LANES; j += 4 * LANES) {
            FloatVector s0 = FloatVector.zero(SPECIES);
            FloatVector s1 = FloatVector.zero(SPECIES);
            FloatVector s2 = FloatVector.zero(SPECIES);
            FloatVector s3 = FloatVector.zero(SPECIES);
            int at = xOffset + j;
            for (int row = 0; row < rows; row++, at += xStride) {
                s0 = s0.add(FloatVector.fromArray(SPECIES, x, at));
                s1 = s1.add(FloatVector.fromArray(SPECIES, x, at + LANES));
                s2 = s2.add(FloatVector.fromArray(SPECIES, x, at + 2 * LANES));
                s3 = s3.add(FloatVector.fromArray(SPECIES, x, at + 3 * LANES));
            }
            int to = outOffset + j;
            FloatVector.fromArray(SPECIES, out, to).add(s0).intoArray(out, to);
            FloatVector.fromArray(SPECIES, out, to + LANES).add(s1).intoArray(out, to + LANES);
            FloatVector.fromArray(SPECIES, out, to + 2 * LANES).add(s2).intoArray(out, to + 2 * LANES);
            FloatVector.fromArray(SPECIES, out, to + 3 * LANES).add(s3).intoArray(out, to + 3 * LANES);
        }
        for (; j <= columns - LANES; j += LANES) {
            FloatVector s = FloatVector.zero(SPECIES);
            int at = xOffset + j;
            for (int row = 0; row < rows; row++, at += xStride) {
                s = s.add(FloatVector.fromArray(SPECIES, x, at));
            }
            FloatVector.fromArray(SPECIES, out, outOffset + j).add(s).intoArray(out, outOffset + j);
        }
        for (; j < columns; j++) {
            float s = 0;
            int at = xOffset + j;
            for (int row = 0; row < rows; row++, at += xStride) {
                s += x[at];
            }
            out[outOffset + j] += s;
        }
    }

    /** x ← alpha·x on one thread. */
    static void scale(float[] x, int offset, int count, float alpha) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(SPECIES, x, offset + i).mul(alpha).intoArray(x, offset + i);
        }
        for (; i < count; i++) {
            x[offset + i] *= alpha;
        }
    }

    /** y ← y + alpha·x on one thread. */
    static void add(float[] x, int xOffset, float[] y, int yOffset, int count, float alpha) {
        FloatVector factor = FloatVector.broadcast(SPECIES, alpha);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(SPECIES, x, xOffset + i)
                    .fma(factor, FloatVector.fromArray(SPECIES, y, yOffset + i))
                    .intoArray(y, yOffset + i);
        }
        for (; i < count; i++) {
            y[yOffset + i] = Math.fma(x[xOffset + i], alpha, y[yOffset + i]);
        }
    }

    /** y ← x ⊙ factor on one thread; y may be x or factor. */
    static void multiply(float[] x, int xOffset, float[] factor, int factorOffset, float[] y, int yOffset, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(SPECIES, x, xOffset + i)
                    .mul(FloatVector.fromArray(SPECIES, factor, factorOffset + i))
                    .intoArray(y, yOffset + i);
        }
        for (; i < count; i++) {
            y[yOffset + i] = x[xOffset + i] * factor[factorOffset + i];
        }
    }
}
