package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Precision;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.backend.WeightType;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Weights in smaller types: how far they round, and that products with them are products with what they hold. */
class CompressedWeightsTest {

    private static final double UNIT_ROUNDOFF = 0x1p-24;

    static Stream<Arguments> products() {
        return Stream.of(WeightType.BF16, WeightType.INT8).flatMap(type ->
                Stream.of(1, 3, 5, 50).flatMap(m -> Stream.of(1, 13, 64, 207, 768)
                        .flatMap(columns -> Stream.of(1, 67, 400).map(rows -> Arguments.of(type, m, columns, rows)))));
    }

    @ParameterizedTest(name = "{0}, {1} rows with W ({3}, {2})")
    @MethodSource("products")
    void aProductIsTheProductWithTheRoundedWeights(WeightType type, int m, int columns, int rows) {
        try (CpuBackend backend = new CpuBackend(new BackendOptions(2, Precision.STRICT))) {
            Tensor w = weight(backend, type, rows, columns);
            double[] held = backend.readDoubles(w);

            float[] x = values(m * columns, 2);
            float[] bias = values(rows, 3);
            Tensor y = backend.allocate(Shape.of(m, rows));
            backend.linear(tensor(backend, x, m, columns).matrix(), w.matrix(), tensor(backend, bias, 1, rows), y.matrix());
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < rows; j++) {
                    double exact = bias[j];
                    double absolute = Math.abs(exact);
                    for (int k = 0; k < columns; k++) {
                        exact += x[i * columns + k] * held[j * columns + k];
                        absolute += Math.abs(x[i * columns + k] * held[j * columns + k]);
                    }
                    // a sum of columns + 1 terms, and the row's factor
                    assertThat(backend.readDoubles(y)[i * rows + j] - exact)
                            .isBetween(-(columns + 4) * UNIT_ROUNDOFF * absolute, (columns + 4) * UNIT_ROUNDOFF * absolute);
                }
            }

            float[] g = values(m * rows, 4);
            float[] old = values(m * columns, 5);
            Tensor dx = tensor(backend, old, m, columns);
            backend.matmul(tensor(backend, g, m, rows).matrix(), w.matrix(), dx.matrix(), 0.5, 2);
            for (int i = 0; i < m; i++) {
                for (int k = 0; k < columns; k++) {
                    double exact = 2 * old[i * columns + k];
                    double absolute = Math.abs(exact);
                    for (int j = 0; j < rows; j++) {
                        exact += 0.5 * g[i * rows + j] * held[j * columns + k];
                        absolute += Math.abs(0.5 * g[i * rows + j] * held[j * columns + k]);
                    }
                    assertThat(backend.readDoubles(dx)[i * columns + k] - exact)
                            .isBetween(-(rows + 8) * UNIT_ROUNDOFF * absolute, (rows + 8) * UNIT_ROUNDOFF * absolute);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = WeightType.class, names = {"BF16", "INT8"})
    void manyRowsGiveTheBitsOfTheFloatsThatTheWeightHolds(WeightType type) {
        int[][] sizes = {{20, 50, 33}, {9, 200, 1000}, {13, 129, 130}, {300, 300, 500}, {600, 400, 90}}; // m, columns, rows
        for (int threads = 1; threads <= 2; threads++) {
            try (CpuBackend backend = new CpuBackend(new BackendOptions(threads, Precision.STRICT))) {
                for (int[] size : sizes) {
                    int m = size[0];
                    int columns = size[1];
                    int rows = size[2];
                    Tensor w = weight(backend, type, rows, columns);
                    Tensor held = tensor(backend, backend.readFloats(w), rows, columns);
                    Tensor x = tensor(backend, values(m * columns, 2), m, columns);
                    Tensor g = tensor(backend, values(m * rows, 3), m, rows);
                    Tensor y = backend.allocate(Shape.of(m, rows));
                    Tensor dx = backend.allocate(Shape.of(m, columns));
                    backend.matmul(x.matrix(), w.matrix().t(), y.matrix(), 1, 0);
                    backend.matmul(g.matrix(), w.matrix(), dx.matrix(), 1, 0);
                    float[] forward = backend.readFloats(y);
                    float[] backward = backend.readFloats(dx);
                    backend.matmul(x.matrix(), held.matrix().t(), y.matrix(), 1, 0);
                    backend.matmul(g.matrix(), held.matrix(), dx.matrix(), 1, 0);

                    assertThat(forward).isEqualTo(backend.readFloats(y));
                    assertThat(backward).isEqualTo(backend.readFloats(dx));
                }
            }
        }
    }

    @Test
    void bf16RoundsToNearestAndInt8ByHalfAStepOfItsRow() {
        try (CpuBackend backend = new CpuBackend(BackendOptions.DEFAULT)) {
            float[] exact = values(7 * 207, 1);
            float[] bf16 = backend.readFloats(weight(backend, WeightType.BF16, 7, 207));
            float[] int8 = backend.readFloats(weight(backend, WeightType.INT8, 7, 207));
            for (int row = 0; row < 7; row++) {
                float largest = 0;
                for (int c = 0; c < 207; c++) {
                    largest = Math.max(largest, Math.abs(exact[row * 207 + c]));
                }
                for (int i = row * 207; i < (row + 1) * 207; i++) {
                    assertThat((double) Math.abs(bf16[i] - exact[i])).isLessThanOrEqualTo(0x1p-8 * Math.abs(exact[i]));
                    assertThat((double) Math.abs(int8[i] - exact[i]))
                            .isLessThanOrEqualTo(largest / 254 * (1 + 512 * UNIT_ROUNDOFF));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = WeightType.class, names = {"BF16", "INT8"})
    void rowsAreGatheredCopiedAndReadAlike(WeightType type) {
        try (CpuBackend backend = new CpuBackend(BackendOptions.DEFAULT)) {
            Tensor w = weight(backend, type, 9, 45);
            float[] held = backend.readFloats(w);
            IntTensor ids = backend.allocateInts(Shape.of(3));
            backend.upload(new int[] {8, 0, 8}, 0, ids, 3);
            Tensor gathered = backend.allocate(Shape.of(3, 45));
            backend.gatherRows(w, ids, gathered, 0);
            Tensor copied = backend.allocate(Shape.of(9, 45));
            backend.copy(w.matrix(), copied.matrix());

            assertThat(backend.readFloats(copied)).isEqualTo(held);
            for (int c = 0; c < 45; c++) {
                assertThat(backend.readFloats(gathered)[c]).isEqualTo(held[8 * 45 + c]);
                assertThat(backend.readFloats(gathered)[45 + c]).isEqualTo(held[c]);
            }
            float[] middle = new float[50];
            backend.read(w, 40, middle, 0, 50);
            assertThat(middle).isEqualTo(Arrays.copyOfRange(held, 40, 90));
        }
    }

    @ParameterizedTest
    @EnumSource(value = WeightType.class, names = {"BF16", "INT8"})
    void theBitsDoNotDependOnTheNumberOfThreads(WeightType type) {
        float[] first = null;
        for (int threads : new int[] {1, 2, 3, 5}) {
            try (CpuBackend backend = new CpuBackend(new BackendOptions(threads, Precision.STRICT))) {
                Tensor w = weight(backend, type, 1500, 256);
                Tensor y = backend.allocate(Shape.of(33, 1500));
                backend.linear(tensor(backend, values(33 * 256, 2), 33, 256).matrix(), w.matrix(), null, y.matrix());
                Tensor dx = backend.allocate(Shape.of(33, 256));
                backend.matmul(y.matrix(), w.matrix(), dx.matrix(), 1, 0);
                float[] bits = backend.readFloats(dx);
                assertThat(first == null ? bits : first).isEqualTo(bits);
                first = bits;
            }
        }
    }

    @Test
    void partsOfRowsAreRefused() {
        try (CpuBackend backend = new CpuBackend(BackendOptions.DEFAULT)) {
            Tensor w = weight(backend, WeightType.BF16, 9, 45);
            Tensor c = backend.allocate(Shape.of(9, 20));
            assertThatThrownBy(() -> backend.copy(w.columns(0, 20), c.matrix()))
                    .isInstanceOf(ShapeMismatchException.class).hasMessageContaining("whole rows");
            assertThatThrownBy(() -> backend.fill(w, 0))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("smaller type");
        }
    }

    private static Tensor weight(CpuBackend backend, WeightType type, int rows, int columns) {
        Tensor w = backend.allocateWeight(Shape.of(rows, columns), type);
        backend.upload(values(rows * columns, 1), w);
        return w;
    }

    private static Tensor tensor(CpuBackend backend, float[] values, int rows, int columns) {
        Tensor tensor = backend.allocate(Shape.of(rows, columns));
        backend.upload(values, tensor);
        return tensor;
    }

    private static float[] values(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
