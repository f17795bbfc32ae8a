package org.lora4j.contract;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.tensor.Tensor;

abstract class LayerNormContract extends ContractFamily {

    private static final int ROWS = 7;
    private static final double EPS = 1e-5;

    LayerNormContract(Subject subject) {
        super(subject);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void layerNormFollowsItsFormula(int columns) {
        check(numbers("x", ROWS * columns), columns);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void aLargeMeanCostsOnlyWhatItsRoundingCosts(int columns) {
        check(Arrays.stream(numbers("x", ROWS * columns)).map(x -> (float) (x + 100)).toArray(), columns);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void aConstantRowBecomesBeta(int columns) {
        check(constant(3, ROWS * columns), columns);
    }

    @Test
    void layerNormTakesNumbersAtTheBoundaries() {
        check(new double[] {0, -0.0, 0, 0, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL, 0, 1e17f, -1e17f, 5e16f, 0}, 4);
    }

    private void check(double[] x, int columns) {
        int rows = x.length / columns;
        double[] gamma = numbers("gamma", columns);
        double[] beta = numbers("beta", columns);
        Tensor in = tensor(x, rows, columns);
        Tensor y = nans(rows, columns);
        Tensor mean = nans(rows);
        Tensor rstd = nans(rows);
        backend().layerNorm(in, tensor(gamma, columns), tensor(beta, columns), EPS, y, mean, rstd);
        Statistics s = statistics(x, columns);
        double[] expected = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            expected[i] = (x[i] - s.mean[i / columns]) * s.rstd[i / columns] * gamma[i % columns] + beta[i % columns];
        }
        // a sum of C terms and a division
        double[] meanError = Arrays.stream(s.meanOfAbsolute).map(m -> roundings(columns + 1) * m).toArray();
        // μ's error δ and x − μ's rounding move the variance by its relative error and by δ²; rstd by half of it
        double[] rstdError = new double[rows];
        for (int n = 0; n < rows; n++) {
            double moved = meanError[n] * s.rstd[n];
            rstdError[n] = roundings(columns + 6) + moved * moved + 2 * roundings(2) * s.meanOfAbsolute[n] * s.rstd[n];
        }
        assertWithin(read(mean), s.mean, n -> meanError[n]);
        assertWithin(read(rstd), s.rstd, n -> rstdError[n] * s.rstd[n]);
        assertWithin(read(y), expected, i -> {
            int n = i / columns;
            double xHat = Math.abs((x[i] - s.mean[n]) * s.rstd[n]);
            double xHatError = s.rstd[n] * (meanError[n] + roundings(1) * Math.abs(x[i])) + xHat * (rstdError[n] + roundings(2));
            return Math.abs(gamma[i % columns]) * (xHatError + roundings(2) * xHat) + roundings(2) * Math.abs(beta[i % columns]);
        });
        backend().layerNorm(in, tensor(gamma, columns), tensor(beta, columns), EPS, in, mean, rstd);
        assertSameBits(read(in), read(y));
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void layerNormBackwardIsTheTransposedJacobian(int columns) {
        double[] x = numbers("x", ROWS * columns);
        double[] dy = numbers("dy", ROWS * columns);
        double[] gamma = numbers("gamma", columns);
        double[] oldDx = numbers("dx", ROWS * columns);
        double[] oldGamma = numbers("dgamma", columns);
        double[] oldBeta = numbers("dbeta", columns);
        Statistics s = statistics(x, columns);
        double[] mean = rounded(s.mean);
        double[] rstd = rounded(s.rstd);

        Tensor dx = tensor(oldDx, ROWS, columns);
        Tensor dgamma = tensor(oldGamma, columns);
        Tensor dbeta = tensor(oldBeta, columns);
        backend().layerNormBackward(tensor(dy, ROWS, columns), tensor(x, ROWS, columns), tensor(gamma, columns),
                vector(mean), vector(rstd), dx, dgamma, dbeta);

        double[] expectedDx = oldDx.clone();
        double[] dxSize = Oracle.abs(oldDx);
        double[] expectedGamma = oldGamma.clone();
        double[] gammaSize = Oracle.abs(oldGamma);
        double[] expectedBeta = oldBeta.clone();
        double[] betaSize = Oracle.abs(oldBeta);
        for (int n = 0; n < ROWS; n++) {
            for (int i = 0; i < columns; i++) {
                int at = n * columns + i;
                double xHat = (x[at] - mean[n]) * rstd[n];
                double d = dy[at] * gamma[i];
                expectedGamma[i] += dy[at] * xHat;
                gammaSize[i] += Math.abs(dy[at] * xHat);
                expectedBeta[i] += dy[at];
                betaSize[i] += Math.abs(dy[at]);
                for (int j = 0; j < columns; j++) {
                    double xHatJ = (x[n * columns + j] - mean[n]) * rstd[n];
                    // ∂x̂ᵢ/∂xⱼ = rstd·(δᵢⱼ − 1/C − x̂ᵢ·x̂ⱼ/C)
                    double jacobian = (i == j ? 1 : 0) - 1.0 / columns - xHat * xHatJ / columns;
                    double absolute = (i == j ? 1 : 0) + 1.0 / columns + Math.abs(xHat * xHatJ) / columns;
                    expectedDx[n * columns + j] += rstd[n] * jacobian * d;
                    dxSize[n * columns + j] += rstd[n] * absolute * Math.abs(d);
                }
            }
        }
        // sums of C terms, of which the longest chain rounds x̂ twice, x̂ⱼ twice, d, their product and six more
        assertWithin(read(dx), expectedDx, i -> roundings(columns + 12) * dxSize[i]);
        assertWithin(read(dgamma), expectedGamma, i -> roundings(ROWS + 4) * gammaSize[i]);
        assertWithin(read(dbeta), expectedBeta, i -> roundings(ROWS) * betaSize[i]);

        for (boolean trainGamma : new boolean[] {true, false}) {
            Tensor again = tensor(oldDx, ROWS, columns);
            Tensor one = tensor(trainGamma ? oldGamma : oldBeta, columns);
            backend().layerNormBackward(tensor(dy, ROWS, columns), tensor(x, ROWS, columns), tensor(gamma, columns),
                    vector(mean), vector(rstd), again, trainGamma ? one : null, trainGamma ? null : one);
            assertSameBits(read(again), read(dx));
            assertSameBits(read(one), read(trainGamma ? dgamma : dbeta));
        }
        Tensor frozen = tensor(oldDx, ROWS, columns);
        backend().layerNormBackward(tensor(dy, ROWS, columns), tensor(x, ROWS, columns), tensor(gamma, columns),
                vector(mean), vector(rstd), frozen, null, null);
        assertSameBits(read(frozen), read(dx));
    }

    private record Statistics(double[] mean, double[] rstd, double[] meanOfAbsolute) {
    }

    private static Statistics statistics(double[] x, int columns) {
        int rows = x.length / columns;
        Statistics s = new Statistics(new double[rows], new double[rows], new double[rows]);
        for (int n = 0; n < rows; n++) {
            double[] row = Oracle.block(x, columns, n, 1, 0, columns);
            double mean = Arrays.stream(row).sum() / columns;
            s.mean[n] = mean;
            s.rstd[n] = 1 / Math.sqrt(Arrays.stream(row).map(v -> (v - mean) * (v - mean)).sum() / columns + EPS);
            s.meanOfAbsolute[n] = Arrays.stream(row).map(Math::abs).sum() / columns;
        }
        return s;
    }
}
