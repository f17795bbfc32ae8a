package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;

/**
 * Normalisation over rows by their root mean square (Zhang and Sennrich 2019), a weight being γ + shift with a shift of 0 or
 * 1. Sums run as in {@link LayerNormKernels}.
 */
final class RmsNormKernels {

    /** Columns that one task of dgamma takes. */
    private static final int STRIPE = 128;
    /** Rows that are summed before they are added to the sum of all. */
    private static final int ROW_BLOCK = 32;

    private RmsNormKernels() {
    }

    /** y ← x·rstd ⊙ (shift + gamma), and rstd of each row; rows lie one after the other; y may be x. */
    static void forward(
            Workers workers, float[] x, float[] gamma, float shift, double eps, float[] y, float[] rstd, int rows, int columns) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int row = from; row < to; row++) {
                int at = row * columns;
                double meanSquare = sumOfSquares(x, at, columns) / (double) columns;
                float r = (float) (1 / Math.sqrt(meanSquare + eps));
                scale(x, at, r, gamma, shift, y, columns);
                rstd[row] = r;
            }
        });
    }

    /**
     * With x̂ = x·rstd and d = dy ⊙ (shift + gamma):
     *
     * <pre>
     *   dx ← dx + rstd·(d − x̂·mean(d ⊙ x̂))     dgamma ← dgamma + Σ dy ⊙ x̂
     * </pre>
     *
     * @param dgamma null where gamma is frozen
     */
    static void backward(
            Workers workers, float[] dy, float[] x, float[] gamma, float shift, float[] rstd, float[] dx, float[] dgamma,
            int rows, int columns) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int row = from; row < to; row++) {
                int at = row * columns;
                float mean = sumOfProducts(dy, x, at, gamma, shift, rstd[row], columns) / columns;
                addInputGradient(dy, x, at, gamma, shift, rstd[row], mean, dx, columns);
            }
        });
        if (dgamma != null) {
            workers.run((columns + STRIPE - 1) / STRIPE, stripe -> {
                int column = stripe * STRIPE;
                int width = Math.min(STRIPE, columns - column);
                for (int row = 0; row < rows; row += ROW_BLOCK) {
                    addWeightGradient(dy, x, row * columns + column, columns, rstd, row, Math.min(ROW_BLOCK, rows - row), width,
                            dgamma, column);
                }
            });
        }
    }

    private static float sumOfSquares(float[] x, int offset, int count) {
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - 2 * LANES; i += 2 * LANES) {
            FloatVector x0 = FloatVector.fromArray(SPECIES, x, offset + i);
            FloatVector x1 = FloatVector.fromArray(SPECIES, x, offset + i + LANES);
            s0 = x0.fma(x0, s0);
            s1 = x1.fma(x1, s1);
        }
        float sum = VectorMath.sum(s0.add(s1));
        for (; i < count; i++) {
            sum = Math.fma(x[offset + i], x[offset + i], sum);
        }
        return sum;
    }

    private static void scale(float[] x, int at, float rstd, float[] gamma, float shift, float[] y, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(SPECIES, x, at + i).mul(rstd)
                    .mul(FloatVector.fromArray(SPECIES, gamma, i).add(shift)).intoArray(y, at + i);
        }
        for (; i < count; i++) {
            y[at + i] = x[at + i] * rstd * (gamma[i] + shift);
        }
    }

    /** Σ d ⊙ x̂ of one row. */
    private static float sumOfProducts(
            float[] dy, float[] x, int at, float[] gamma, float shift, float rstd, int count) {
        FloatVector sums = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector d = FloatVector.fromArray(SPECIES, dy, at + i)
                    .mul(FloatVector.fromArray(SPECIES, gamma, i).add(shift));
            sums = d.fma(FloatVector.fromArray(SPECIES, x, at + i).mul(rstd), sums);
        }
        float sum = VectorMath.sum(sums);
        for (; i < count; i++) {
            sum = Math.fma(dy[at + i] * (gamma[i] + shift), x[at + i] * rstd, sum);
        }
        return sum;
    }

    private static void addInputGradient(
            float[] dy, float[] x, int at, float[] gamma, float shift, float rstd, float mean, float[] dx, int count) {
        FloatVector minusMean = FloatVector.broadcast(SPECIES, -mean);
        FloatVector r = FloatVector.broadcast(SPECIES, rstd);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector d = FloatVector.fromArray(SPECIES, dy, at + i)
                    .mul(FloatVector.fromArray(SPECIES, gamma, i).add(shift));
            FloatVector.fromArray(SPECIES, x, at + i).mul(r).fma(minusMean, d)
                    .fma(r, FloatVector.fromArray(SPECIES, dx, at + i)).intoArray(dx, at + i);
        }
        for (; i < count; i++) {
            float d = dy[at + i] * (gamma[i] + shift);
            dx[at + i] = Math.fma(Math.fma(x[at + i] * rstd, -mean, d), rstd, dx[at + i]);
        }
    }

    /** Adds a block of rows to dgamma. */
    private static void addWeightGradient(
            float[] dy, float[] x, int at, int stride, float[] rstd, int firstRow, int rows, int columns, float[] dgamma,
            int column) {
        int j = 0;
        for (; j <= columns - LANES; j += LANES) {
            FloatVector sum = FloatVector.zero(SPECIES);
            for (int row = 0; row < rows; row++) {
                int i = at + row * stride + j;
                sum = FloatVector.fromArray(SPECIES, dy, i)
                        .fma(FloatVector.fromArray(SPECIES, x, i).mul(rstd[firstRow + row]), sum);
            }
            FloatVector.fromArray(SPECIES, dgamma, column + j).add(sum).intoArray(dgamma, column + j);
        }
        for (; j < columns; j++) {
            float sum = 0;
            for (int row = 0; row < rows; row++) {
                int i = at + row * stride + j;
                sum = Math.fma(dy[i], x[i] * rstd[firstRow + row], sum);
            }
            dgamma[column + j] += sum;
        }
    }
}
