package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;

/**
 * Layer normalisation over rows of C numbers (Ba et al. 2016), each row three times while it lies in the nearest cache:
 * its mean, the mean square of its distance from that, the result. The second pass makes a mean that is large against
 * the spread harmless.
 *
 * <p>A row's sums run in 2·LANES parts of about C/(2·LANES) numbers, so their rounding error is that of a sum of so many.
 */
final class LayerNormKernels {

    /** Columns that one task of dgamma and dbeta takes. */
    private static final int STRIPE = 128;
    /** Rows that are summed before they are added to the sum of all. */
    private static final int ROW_BLOCK = 32;

    private LayerNormKernels() {
    }

    /** y ← (x − μ)·rstd ⊙ gamma + beta, and μ and rstd of each row; rows lie one after the other; y may be x. */
    static void forward(
            Workers workers, float[] x, int xOffset, float[] gamma, int gammaOffset, float[] beta, int betaOffset,
            double eps, float[] y, int yOffset, float[] mean, int meanOffset, float[] rstd, int rstdOffset, int rows,
            int columns) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int row = from; row < to; row++) {
                int at = xOffset + row * columns;
                float mu = (float) (Reductions.sumOfRow(x, at, columns) / (double) columns);
                double variance = sumOfSquaredDistances(x, at, columns, mu) / (double) columns;
                float r = (float) (1 / Math.sqrt(variance + eps));
                normalise(x, at, mu, r, gamma, gammaOffset, beta, betaOffset, y, yOffset + row * columns, columns);
                mean[meanOffset + row] = mu;
                rstd[rstdOffset + row] = r;
            }
        });
    }

    /**
     * With x̂ = (x − μ)·rstd and d = dy ⊙ gamma:
     *
     * <pre>
     *   dx ← dx + rstd·(d − mean(d) − x̂·mean(d ⊙ x̂))     dgamma ← dgamma + Σ dy ⊙ x̂     dbeta ← dbeta + Σ dy
     * </pre>
     *
     * @param dgamma null where gamma is frozen
     * @param dbeta  null where beta is frozen
     */
    static void backward(
            Workers workers, float[] dy, int dyOffset, float[] x, int xOffset, float[] gamma, int gammaOffset,
            float[] mean, int meanOffset, float[] rstd, int rstdOffset, float[] dx, int dxOffset, float[] dgamma,
            int dgammaOffset, float[] dbeta, int dbetaOffset, int rows, int columns) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int row = from; row < to; row++) {
                int at = row * columns;
                inputGradient(dy, dyOffset + at, x, xOffset + at, gamma, gammaOffset, mean[meanOffset + row],
                        rstd[rstdOffset + row], dx, dxOffset + at, columns);
            }
        });
        if (dgamma == null && dbeta != null) {
            ElementwiseKernels.addColumnSums(workers, dy, dyOffset, columns, rows, columns, dbeta, dbetaOffset);
        }
        if (dgamma != null) {
            int stripes = (columns + STRIPE - 1) / STRIPE;
            workers.run(stripes, stripe -> {
                int column = stripe * STRIPE;
                int width = Math.min(STRIPE, columns - column);
                for (int row = 0; row < rows; row += ROW_BLOCK) {
                    int at = row * columns + column;
                    parameterGradients(dy, dyOffset + at, x, xOffset + at, columns, mean, meanOffset + row, rstd,
                            rstdOffset + row, Math.min(ROW_BLOCK, rows - row), width, dgamma, dgammaOffset + column,
                            dbeta, dbetaOffset + column);
                }
            });
        }
    }

    private static float sumOfSquaredDistances(float[] x, int offset, int count, float mean) {
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - 2 * LANES; i += 2 * LANES) {
            FloatVector d0 = FloatVector.fromArray(SPECIES, x, offset + i).sub(mean);
            FloatVector d1 = FloatVector.fromArray(SPECIES, x, offset + i + LANES).sub(mean);
            s0 = d0.fma(d0, s0);
            s1 = d1.fma(d1, s1);
        }
        float sum = VectorMath.sum(s0.add(s1));
        for (; i < count; i++) {
            float d = x[offset + i] - mean;
            sum = Math.fma(d, d, sum);
        }
        return sum;
    }

    private static void normalise(
            float[] x, int xOffset, float mean, float rstd, float[] gamma, int gammaOffset, float[] beta,
            int betaOffset, float[] y, int yOffset, int count) {
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector.fromArray(SPECIES, x, xOffset + i).sub(mean).mul(rstd)
                    .fma(FloatVector.fromArray(SPECIES, gamma, gammaOffset + i),
                            FloatVector.fromArray(SPECIES, beta, betaOffset + i))
                    .intoArray(y, yOffset + i);
        }
        for (; i < count; i++) {
            y[yOffset + i] = Math.fma((x[xOffset + i] - mean) * rstd, gamma[gammaOffset + i], beta[betaOffset + i]);
        }
    }

    private static void inputGradient(
            float[] dy, int dyOffset, float[] x, int xOffset, float[] gamma, int gammaOffset, float mean, float rstd,
            float[] dx, int dxOffset, int count) {
        FloatVector sumD = FloatVector.zero(SPECIES);
        FloatVector sumDx = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector d = FloatVector.fromArray(SPECIES, dy, dyOffset + i)
                    .mul(FloatVector.fromArray(SPECIES, gamma, gammaOffset + i));
            FloatVector normal = FloatVector.fromArray(SPECIES, x, xOffset + i).sub(mean).mul(rstd);
            sumD = sumD.add(d);
            sumDx = d.fma(normal, sumDx);
        }
        float d = VectorMath.sum(sumD);
        float dNormal = VectorMath.sum(sumDx);
        for (; i < count; i++) {
            float di = dy[dyOffset + i] * gamma[gammaOffset + i];
            d += di;
            dNormal = Math.fma(di, (x[xOffset + i] - mean) * rstd, dNormal);
        }
        addInputGradient(dy, dyOffset, x, xOffset, gamma, gammaOffset, mean, rstd, d / count, dNormal / count, dx,
                dxOffset, count);
    }

    private static void addInputGradient(
            float[] dy, int dyOffset, float[] x, int xOffset, float[] gamma, int gammaOffset, float mean, float rstd,
            float meanD, float meanDNormal, float[] dx, int dxOffset, int count) {
        FloatVector minusMeanDNormal = FloatVector.broadcast(SPECIES, -meanDNormal);
        FloatVector r = FloatVector.broadcast(SPECIES, rstd);
        int i = 0;
        for (; i <= count - LANES; i += LANES) {
            FloatVector d = FloatVector.fromArray(SPECIES, dy, dyOffset + i)
                    .mul(FloatVector.fromArray(SPECIES, gamma, gammaOffset + i));
            FloatVector normal = FloatVector.fromArray(SPECIES, x, xOffset + i).sub(mean).mul(r);
            normal.fma(minusMeanDNormal, d.sub(meanD))
                    .fma(r, FloatVector.fromArray(SPECIES, dx, dxOffset + i))
                    .intoArray(dx, dxOffset + i);
        }
        for (; i < count; i++) {
            float d = dy[dyOffset + i] * gamma[gammaOffset + i];
            float normal = (x[xOffset + i] - mean) * rstd;
            dx[dxOffset + i] = Math.fma(Math.fma(normal, -meanDNormal, d - meanD), rstd, dx[dxOffset + i]);
        }
    }

    /** Adds a block of rows to dgamma and, where it is wanted, to dbeta. */
    private static void parameterGradients(
            float[] dy, int dyOffset, float[] x, int xOffset, int stride, float[] mean, int meanOffset, float[] rstd,
            int rstdOffset, int rows, int columns, float[] dgamma, int dgammaOffset, float[] dbeta, int dbetaOffset) {
        int j = 0;
        for (; j <= columns - 2 * LANES; j += 2 * LANES) {
            FloatVector gamma0 = FloatVector.zero(SPECIES);
            FloatVector gamma1 = FloatVector.zero(SPECIES);
            FloatVector beta0 = FloatVector.zero(SPECIES);
            FloatVector beta1 = FloatVector.zero(SPECIES);
            for (int row = 0; row < rows; row++) {
                int at = row * stride + j;
                FloatVector mu = FloatVector.broadcast(SPECIES, mean[meanOffset + row]);
                FloatVector r = FloatVector.broadcast(SPECIES, rstd[rstdOffset + row]);
                FloatVector g0 = FloatVector.fromArray(SPECIES, dy, dyOffset + at);
                FloatVector g1 = FloatVector.fromArray(SPECIES, dy, dyOffset + at + LANES);
                gamma0 = g0.fma(FloatVector.fromArray(SPECIES, x, xOffset + at).sub(mu).mul(r), gamma0);
                gamma1 = g1.fma(FloatVector.fromArray(SPECIES, x, xOffset + at + LANES).sub(mu).mul(r), gamma1);
                beta0 = beta0.add(g0);
                beta1 = beta1.add(g1);
            }
            addTo(dgamma, dgammaOffset + j, gamma0, gamma1);
            if (dbeta != null) {
                addTo(dbeta, dbetaOffset + j, beta0, beta1);
            }
        }
        for (; j < columns; j++) {
            float gamma = 0;
            float beta = 0;
            for (int row = 0; row < rows; row++) {
                int at = row * stride + j;
                float normal = (x[xOffset + at] - mean[meanOffset + row]) * rstd[rstdOffset + row];
                gamma = Math.fma(dy[dyOffset + at], normal, gamma);
                beta += dy[dyOffset + at];
            }
            dgamma[dgammaOffset + j] += gamma;
            if (dbeta != null) {
                dbeta[dbetaOffset + j] += beta;
            }
        }
    }

    private static void addTo(float[] sums, int at, FloatVector first, FloatVector second) {
        FloatVector.fromArray(SPECIES, sums, at).add(first).intoArray(sums, at);
        FloatVector.fromArray(SPECIES, sums, at + LANES).add(second).intoArray(sums, at + LANES);
    }
}
