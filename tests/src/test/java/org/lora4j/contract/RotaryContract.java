package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Rotation;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

abstract class RotaryContract extends ContractFamily {

    RotaryContract(Subject subject) {
        super(subject);
    }

    private record Angles(double[] c, double[] s) {
    }

    private static Angles angles(int rows, int half) {
        double[] angles = numbers("angle", rows * half);
        return new Angles(Arrays.stream(angles).map(a -> (float) Math.cos(7 * a)).toArray(),
                Arrays.stream(angles).map(a -> (float) Math.sin(7 * a)).toArray());
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 2, 1", "3, 2, 8, 4", "5, 3, 10, 3", "70, 4, 64, 32", "9, 2, 256, 128", "4, 1, 6, 2"})
    void pairsOfColumnsTurnByTheAngleOfTheirRowAndBackwardTurnsThemBack(int rows, int heads, int size, int half) {
        Angles angles = angles(rows, half);
        Rotation rotation = new Rotation(tensor(angles.c, rows, half), tensor(angles.s, rows, half), size);
        double[] x = numbers("x", rows * heads * size);
        for (int direction : new int[] {1, -1}) {
            double[] expected = x.clone();
            double[] absolute = new double[x.length];
            for (int n = 0; n < rows; n++) {
                for (int h = 0; h < heads; h++) {
                    for (int i = 0; i < half; i++) {
                        int at = (n * heads + h) * size + i;
                        double c = angles.c[n * half + i];
                        double s = direction * angles.s[n * half + i];
                        expected[at] = x[at] * c - x[at + half] * s;
                        expected[at + half] = x[at + half] * c + x[at] * s;
                        absolute[at] = Math.abs(x[at] * c) + Math.abs(x[at + half] * s);
                        absolute[at + half] = Math.abs(x[at + half] * c) + Math.abs(x[at] * s);
                    }
                }
            }
            MatrixView view = framed(x, rows, heads * size);
            if (direction == 1) {
                backend().rotate(view, rotation);
            } else {
                backend().rotateBackward(view, rotation);
            }
            // two products and a sum
            assertWithin(read(view), expected, i -> roundings(3) * absolute[i]);
        }
    }

    @Test
    void shapesThatDoNotFitAreRefused() {
        Tensor x = tensor(numbers("x", 24), 3, 8);
        Tensor angles = tensor(numbers("a", 6), 3, 2);
        Tensor fewer = tensor(numbers("a", 4), 2, 2);
        for (Rotation wrong : new Rotation[] {
            new Rotation(fewer, fewer, 4), new Rotation(angles, fewer, 4), new Rotation(angles, angles, 3),
            new Rotation(angles, angles, 5)}) {
            assertThatThrownBy(() -> backend().rotate(x.matrix(), wrong)).isInstanceOf(ShapeMismatchException.class)
                    .hasMessageContaining("(3, 8)");
            assertThatThrownBy(() -> backend().rotateBackward(x.matrix(), wrong)).isInstanceOf(ShapeMismatchException.class);
        }
    }
}
