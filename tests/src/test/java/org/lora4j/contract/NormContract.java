package org.lora4j.contract;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormKind;
import org.lora4j.backend.NormStatistics;
import org.lora4j.tensor.Tensor;

abstract class NormContract extends ContractFamily {

    private static final int ROWS = 7;
    private static final double EPS = 1e-5;

    NormContract(Subject subject) {
        super(subject);
    }

    static List<Arguments> kindsAndSizes() {
        return Arrays.stream(NormKind.values())
                .flatMap(kind -> IntStream.of(SIZES).mapToObj(columns -> Arguments.of(kind, columns))).toList();
    }

    @ParameterizedTest
    @MethodSource("kindsAndSizes")
    void normFollowsItsFormula(NormKind kind, int columns) {
        check(kind, numbers("x", ROWS * columns), columns);
    }

    @ParameterizedTest
    @MethodSource("kindsAndSizes")
    void aLargeMeanCostsOnlyWhatItsRoundingCosts(NormKind kind, int columns) {
        check(kind, Arrays.stream(numbers("x", ROWS * columns)).map(x -> (float) (x + 100)).toArray(), columns);
    }

    @ParameterizedTest
    @MethodSource("kindsAndSizes")
    void aConstantRowIsTaken(NormKind kind, int columns) {
        check(kind, constant(3, ROWS * columns), columns);
    }

    @ParameterizedTest
    @EnumSource(NormKind.class)
    void normTakesNumbersAtTheBoundaries(NormKind kind) {
        check(kind, new double[] {0, -0.0, 0, 0, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MIN_NORMAL, 0, 1e17f, -1e17f, 5e16f, 0}, 4);
    }

    private Norm norm(NormKind kind, double[] gamma, double[] beta) {
        return new Norm(kind, tensor(gamma, gamma.length), kind.centres() ? tensor(beta, beta.length) : null, EPS);
    }

    private void check(NormKind kind, double[] x, int columns) {
        int rows = x.length / columns;
        double[] gamma = numbers("gamma", columns);
        double[] beta = kind.centres() ? numbers("beta", columns) : new double[columns];
        double[] weight = Arrays.stream(gamma).map(g -> kind.weightShift() + g).toArray();
        Tensor in = tensor(x, rows, columns);
        Tensor y = nans(rows, columns);
        NormStatistics found = new NormStatistics(kind.centres() ? nans(rows) : null, nans(rows));
        backend().norm(norm(kind, gamma, beta), in, y, found);
        Statistics s = statistics(kind, x, columns);
        double[] expected = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            expected[i] = (x[i] - s.mean[i / columns]) * s.rstd[i / columns] * weight[i % columns] + beta[i % columns];
        }
        // a sum of C terms and a division
        double[] meanError = Arrays.stream(s.meanOfAbsolute).map(m -> kind.centres() ? roundings(columns + 1) * m : 0).toArray();
        // μ's error δ and x − μ's rounding move the variance by its relative error and by δ²; rstd by half of it
        double[] rstdError = new double[rows];
        for (int n = 0; n < rows; n++) {
            double moved = meanError[n] * s.rstd[n];
            double difference = kind.centres() ? 2 * roundings(2) * s.meanOfAbsolute[n] * s.rstd[n] : 0;
            rstdError[n] = roundings(columns + 6) + moved * moved + difference;
        }
        if (kind.centres()) {
            assertWithin(read(found.mean()), s.mean, n -> meanError[n]);
        }
        assertWithin(read(found.rstd()), s.rstd, n -> rstdError[n] * s.rstd[n]);
        assertWithin(read(y), expected, i -> {
            int n = i / columns;
            double xHat = Math.abs((x[i] - s.mean[n]) * s.rstd[n]);
            double difference = kind.centres() ? roundings(1) * Math.abs(x[i]) : 0;
            double xHatError = s.rstd[n] * (meanError[n] + difference) + xHat * (rstdError[n] + roundings(2));
            double size = kind.weightShift() + Math.abs(gamma[i % columns]); // 1 + γ may cancel, and rounds
            return size * (xHatError + roundings(2) * xHat) + roundings(2) * Math.abs(beta[i % columns]);
        });
        backend().norm(norm(kind, gamma, beta), in, in, found);
        assertSameBits(read(in), read(y));
    }

    @ParameterizedTest
    @MethodSource("kindsAndSizes")
    void normBackwardIsTheTransposedJacobian(NormKind kind, int columns) {
        boolean centred = kind.centres();
        double[] x = numbers("x", ROWS * columns);
        double[] dy = numbers("dy", ROWS * columns);
        double[] gamma = numbers("gamma", columns);
        double[] oldDx = numbers("dx", ROWS * columns);
        double[] oldGamma = numbers("dgamma", columns);
        double[] oldBeta = numbers("dbeta", columns);
        Statistics s = statistics(kind, x, columns);
        double[] mean = rounded(s.mean);
        double[] rstd = rounded(s.rstd);
        Norm norm = norm(kind, gamma, new double[columns]);
        NormStatistics rows = new NormStatistics(centred ? vector(mean) : null, vector(rstd));

        Tensor dx = tensor(oldDx, ROWS, columns);
        Tensor dgamma = tensor(oldGamma, columns);
        Tensor dbeta = tensor(oldBeta, columns);
        backend().normBackward(
                norm, rows, tensor(x, ROWS, columns), tensor(dy, ROWS, columns), dx, dgamma, centred ? dbeta : null);

        double[] expectedDx = oldDx.clone();
        double[] dxSize = Oracle.abs(oldDx);
        double[] expectedGamma = oldGamma.clone();
        double[] gammaSize = Oracle.abs(oldGamma);
        double[] expectedBeta = oldBeta.clone();
        double[] betaSize = Oracle.abs(oldBeta);
        double meanPart = centred ? 1.0 / columns : 0;
        for (int n = 0; n < ROWS; n++) {
            for (int i = 0; i < columns; i++) {
                int at = n * columns + i;
                double xHat = (x[at] - mean[n]) * rstd[n];
                double d = dy[at] * (kind.weightShift() + gamma[i]);
                double dSize = Math.abs(dy[at]) * (kind.weightShift() + Math.abs(gamma[i]));
                expectedGamma[i] += dy[at] * xHat;
                gammaSize[i] += Math.abs(dy[at] * xHat);
                expectedBeta[i] += dy[at];
                betaSize[i] += Math.abs(dy[at]);
                for (int j = 0; j < columns; j++) {
                    double xHatJ = (x[n * columns + j] - mean[n]) * rstd[n];
                    // ∂x̂ᵢ/∂xⱼ = rstd·(δᵢⱼ − 1/C − x̂ᵢ·x̂ⱼ/C), without the 1/C where no mean is taken out
                    double jacobian = (i == j ? 1 : 0) - meanPart - xHat * xHatJ / columns;
                    double absolute = (i == j ? 1 : 0) + meanPart + Math.abs(xHat * xHatJ) / columns;
                    expectedDx[n * columns + j] += rstd[n] * jacobian * d;
                    dxSize[n * columns + j] += rstd[n] * absolute * dSize;
                }
            }
        }
        // sums of C terms, of which the longest chain rounds x̂ twice, x̂ⱼ twice, w, d, their product and six more
        assertWithin(read(dx), expectedDx, i -> roundings(columns + 13) * dxSize[i]);
        assertWithin(read(dgamma), expectedGamma, i -> roundings(ROWS + 4) * gammaSize[i]);
        if (centred) {
            assertWithin(read(dbeta), expectedBeta, i -> roundings(ROWS) * betaSize[i]);
        }

        for (boolean trainGamma : new boolean[] {true, false}) {
            if (trainGamma || centred) {
                Tensor again = tensor(oldDx, ROWS, columns);
                Tensor one = tensor(trainGamma ? oldGamma : oldBeta, columns);
                backend().normBackward(norm, rows, tensor(x, ROWS, columns), tensor(dy, ROWS, columns), again,
                        trainGamma ? one : null, trainGamma ? null : one);
                assertSameBits(read(again), read(dx));
                assertSameBits(read(one), read(trainGamma ? dgamma : dbeta));
            }
        }
        Tensor frozen = tensor(oldDx, ROWS, columns);
        backend().normBackward(norm, rows, tensor(x, ROWS, columns), tensor(dy, ROWS, columns), frozen, null, null);
        assertSameBits(read(frozen), read(dx));
    }

    private record Statistics(double[] mean, double[] rstd, double[] meanOfAbsolute) {
    }

    /** Of a kind that takes no mean out, the mean is 0. */
    private static Statistics statistics(NormKind kind, double[] x, int columns) {
        int rows = x.length / columns;
        Statistics s = new Statistics(new double[rows], new double[rows], new double[rows]);
        for (int n = 0; n < rows; n++) {
            double[] row = Oracle.block(x, columns, n, 1, 0, columns);
            double mean = kind.centres() ? Arrays.stream(row).sum() / columns : 0;
            s.mean[n] = mean;
            s.rstd[n] = 1 / Math.sqrt(Arrays.stream(row).map(v -> (v - mean) * (v - mean)).sum() / columns + EPS);
            s.meanOfAbsolute[n] = Arrays.stream(row).map(Math::abs).sum() / columns;
        }
        return s;
    }
}
