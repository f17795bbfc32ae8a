package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Precision;
import org.lora4j.backend.WeightType;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Where a backend is told to sum rows alone, a row of a product has the bits that it has in a product of its own. */
class RowsAloneTest {

    private static Tensor random(Backend backend, Random random, int rows, int columns, WeightType type) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Tensor tensor = backend.allocateWeight(Shape.of(rows, columns), type);
        backend.upload(values, tensor);
        return tensor;
    }

    /** Inner sizes below and above what the few-row way takes, outputs fewer and more than the rows, as a way down and up have. */
    @ParameterizedTest
    @CsvSource({"300, 130, FLOAT32", "64, 3, FLOAT32", "256, 12, FLOAT32", "17, 200, FLOAT32", "1, 40, FLOAT32", "65, 64, FLOAT32",
        "300, 130, BF16", "128, 70, INT8", "128, 70, NF4"})
    void aRowDoesNotSeeItsCompanyByABit(int depth, int out, WeightType type) {
        Random random = new Random(depth + out);
        try (Backend backend = Backends.create("cpu", new BackendOptions(2, Precision.STRICT))) {
            Tensor w = random(backend, random, out, depth, type);
            backend.freeze(w);
            Tensor bias = random(backend, random, 1, out, WeightType.FLOAT32).as(Shape.of(out));
            for (int rows : new int[] {2, 7, 8, 9, 13, 16, 31, 64}) {
                Tensor x = random(backend, random, rows, depth, WeightType.FLOAT32);
                Tensor y = backend.allocate(Shape.of(rows, out));
                Tensor alone = backend.allocate(Shape.of(1, out));
                assertThat(backend.sumRowsAlone(true)).isTrue();
                backend.linear(x.matrix(), w.matrix(), bias, y.matrix());
                backend.matmul(x.matrix(), w.matrix().t(), y.matrix(), 0.3, 1);
                backend.sumRowsAlone(false);
                float[] together = backend.readFloats(y);
                for (int row = 0; row < rows; row++) {
                    backend.linear(x.rows(row, 1), w.matrix(), bias, alone.matrix());
                    backend.matmul(x.rows(row, 1), w.matrix().t(), alone.matrix(), 0.3, 1);
                    assertThat(backend.readFloats(alone)).as("row %d of %d", row, rows)
                            .isEqualTo(Arrays.copyOfRange(together, row * out, (row + 1) * out));
                }
            }
        }
    }
}
