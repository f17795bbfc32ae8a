package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.backend.cpu.Fixtures.UNIT_ROUNDOFF;
import static org.lora4j.backend.cpu.Fixtures.assertWithin;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class LayerNormKernelsTest {

    private static final double EPS = 1e-5;

    static IntStream sizes() {
        return IntStream.concat(Arrays.stream(Fixtures.SIZES), IntStream.of(17, 31, 33, 256, 768, 1600));
    }

    /** The contract in double: y, mean, rstd of one row. */
    private static double[] mean(float[] x, int at, int columns) {
        double mean = 0;
        for (int i = 0; i < columns; i++) {
            mean += x[at + i];
        }
        mean /= columns;
        double variance = 0;
        for (int i = 0; i < columns; i++) {
            variance += (x[at + i] - mean) * (x[at + i] - mean);
        }
        return new double[] {mean, 1 / Math.sqrt(variance / columns + EPS)};
    }

    private static float[] forward(Workers workers, float[] x, float[] gamma, float[] beta, int rows, int columns) {
        float[] y = new float[rows * columns];
        float[] mean = new float[rows];
        float[] rstd = new float[rows];
        LayerNormKernels.forward(
                workers, x, 0, gamma, 0, beta, 0, EPS, y, 0, mean, 0, rstd, 0, rows, columns);
        return Fixtures.concat(y, mean, rstd);
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void outputMeanAndDeviationFollowTheFormula(int columns) {
        int rows = 77;
        float[] x = Fixtures.normal(1, rows * columns, 2);
        float[] gamma = Fixtures.normal(2, columns, 1);
        float[] beta = Fixtures.normal(3, columns, 1);
        float[] result = Fixtures.onAnyNumberOfThreads(workers -> forward(workers, x, gamma, beta, rows, columns));
        double sumError = (columns / 8.0 + 8) * UNIT_ROUNDOFF;
        for (int row = 0; row < rows; row++) {
            double[] exact = mean(x, row * columns, columns);
            double largest = 0;
            for (int i = 0; i < columns; i++) {
                largest = Math.max(largest, Math.abs(x[row * columns + i]));
            }
            assertWithin(result[rows * columns + row], exact[0], sumError * largest, "mean");
            // the mean's error enters squared and through the sum of distances; eps bounds rstd where they vanish
            double relative = sumError * (4 + largest * exact[1]);
            assertWithin(result[rows * columns + rows + row], exact[1], relative * exact[1], "rstd");
            for (int i = 0; i < columns; i++) {
                double normal = (x[row * columns + i] - exact[0]) * exact[1];
                double scale = (Math.abs(normal) + largest * exact[1]) * Math.abs(gamma[i]);
                assertWithin(result[row * columns + i], normal * gamma[i] + beta[i],
                        relative * scale + (scale + Math.abs(beta[i])) * 2 * UNIT_ROUNDOFF, "y of " + row + ", " + i);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("sizes")
    void gradientsFollowTheFormulaAndAreAddedToWhatIsThere(int columns) {
        int rows = 77;
        float[] x = Fixtures.normal(1, rows * columns, 2);
        float[] gamma = Fixtures.normal(2, columns, 1);
        float[] beta = new float[columns];
        float[] dy = Fixtures.normal(4, rows * columns, 1);
        float[] dx0 = Fixtures.normal(5, rows * columns, 1);
        float[] result = Fixtures.onAnyNumberOfThreads(workers -> {
            float[] kept = forward(workers, x, gamma, beta, rows, columns);
            float[] dx = dx0.clone();
            float[] dgamma = Fixtures.filled(columns, 3);
            float[] dbeta = Fixtures.filled(columns, -2);
            LayerNormKernels.backward(workers, dy, 0, x, 0, gamma, 0, kept, rows * columns, kept, rows * columns + rows,
                    dx, 0, dgamma, 0, dbeta, 0, rows, columns);
            return Fixtures.concat(dx, dgamma, dbeta);
        });
        double[] dgamma = new double[columns];
        double[] dbeta = new double[columns];
        double[] absolute = new double[columns];
        double[] absoluteBeta = new double[columns];
        double sumError = (columns / 8.0 + 16) * UNIT_ROUNDOFF;
        for (int row = 0; row < rows; row++) {
            int at = row * columns;
            double[] exact = mean(x, at, columns);
            double d = 0;
            double dNormal = 0;
            double size = 0;
            double largest = 0;
            for (int i = 0; i < columns; i++) {
                double normal = (x[at + i] - exact[0]) * exact[1];
                d += dy[at + i] * gamma[i] / (double) columns;
                dNormal += dy[at + i] * gamma[i] * normal / columns;
                size = Math.max(size, Math.abs(dy[at + i] * gamma[i]));
                largest = Math.max(largest, Math.abs(x[at + i]) * exact[1]);
            }
            double error = sumError * (1 + largest) * (1 + largest);
            for (int i = 0; i < columns; i++) {
                double normal = (x[at + i] - exact[0]) * exact[1];
                double expected = dx0[at + i] + exact[1] * (dy[at + i] * gamma[i] - d - normal * dNormal);
                assertWithin(result[at + i], expected,
                        error * exact[1] * size * (3 + largest) + 2 * UNIT_ROUNDOFF * Math.abs(dx0[at + i]),
                        "dx of " + row + ", " + i);
                dgamma[i] += dy[at + i] * normal;
                dbeta[i] += dy[at + i];
                absolute[i] += Math.abs(dy[at + i]) * (1 + largest) * (sumError * (4 + largest) + 40 * UNIT_ROUNDOFF);
                absoluteBeta[i] += Math.abs(dy[at + i]) * 40 * UNIT_ROUNDOFF;
            }
        }
        for (int i = 0; i < columns; i++) {
            assertWithin(result[rows * columns + i], 3 + dgamma[i], absolute[i] + 10 * UNIT_ROUNDOFF, "dgamma " + i);
            assertWithin(result[rows * columns + columns + i], -2 + dbeta[i], absoluteBeta[i] + 10 * UNIT_ROUNDOFF,
                    "dbeta " + i);
        }
    }

    @Test
    void theGradientAgreesWithCentralDifferences() {
        int columns = 24;
        float[] x = Fixtures.normal(1, columns, 1);
        float[] gamma = Fixtures.normal(2, columns, 1);
        float[] dy = Fixtures.normal(3, columns, 1);
        float[] dx = new float[columns];
        try (Workers workers = new Workers(1)) {
            float[] kept = forward(workers, x, gamma, new float[columns], 1, columns);
            LayerNormKernels.backward(workers, dy, 0, x, 0, gamma, 0, kept, columns, kept, columns + 1, dx, 0, null, 0,
                    null, 0, 1, columns);
        }
        double[] wide = new double[columns];
        for (int i = 0; i < columns; i++) {
            wide[i] = x[i];
        }
        for (int i = 0; i < columns; i++) {
            double h = 1e-5;
            wide[i] += h;
            double up = loss(wide, gamma, dy);
            wide[i] -= 2 * h;
            double down = loss(wide, gamma, dy);
            wide[i] += h;
            assertWithin(dx[i], (up - down) / (2 * h), 1e-5, "dx " + i);
        }
    }

    private static double loss(double[] x, float[] gamma, float[] dy) {
        double mean = Arrays.stream(x).average().orElseThrow();
        double variance = Arrays.stream(x).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
        double loss = 0;
        for (int i = 0; i < x.length; i++) {
            loss += dy[i] * gamma[i] * (x[i] - mean) / Math.sqrt(variance + EPS);
        }
        return loss;
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 16, 768})
    void aMeanThatIsLargeAgainstTheSpreadCostsNoAccuracy(int columns) {
        float[] x = new float[columns];
        for (int i = 0; i < columns; i++) {
            x[i] = 4096 + (i % 2 == 0 ? 0.25f : -0.25f); // exact in float, mean 4096, spread ¼
        }
        try (Workers workers = new Workers(1)) {
            float[] result = forward(workers, x, Fixtures.filled(columns, 1), new float[columns], 1, columns);
            assertThat(result[columns]).isEqualTo(4096f);
            assertWithin(result[columns + 1], 1 / Math.sqrt(0.0625 + EPS), 1e-6, "rstd");
            assertWithin(result[0], 0.25 / Math.sqrt(0.0625 + EPS), 1e-6, "y");
        }
    }

    @Test
    void constantRowsGiveBeta() {
        try (Workers workers = new Workers(1)) {
            float[] beta = Fixtures.normal(1, 20, 1);
            float[] result = forward(workers, Fixtures.filled(20, 7), Fixtures.filled(20, 2), beta, 1, 20);
            assertThat(Arrays.copyOf(result, 20)).containsExactly(beta);
        }
    }

    @Test
    void inPlaceGivesTheSame() {
        float[] x = Fixtures.normal(1, 10 * 100, 1);
        float[] gamma = Fixtures.normal(2, 100, 1);
        try (Workers workers = new Workers(2)) {
            float[] y = Arrays.copyOf(forward(workers, x, gamma, gamma, 10, 100), 1000);
            float[] over = x.clone();
            LayerNormKernels.forward(workers, over, 0, gamma, 0, gamma, 0, EPS, over, 0, new float[10], 0, new float[10], 0,
                    10, 100);
            Fixtures.assertSameBits(over, y, "y over x");
        }
    }
}
