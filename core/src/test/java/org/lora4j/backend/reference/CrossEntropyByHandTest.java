package org.lora4j.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.matrix;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;

import org.junit.jupiter.api.Test;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** −log p of equation 1 for one position over three tokens: logits (0, log 2, log 5), so p = (⅛, ²⁄₈, ⁵⁄₈). */
class CrossEntropyByHandTest {

    private static final double[] P = {1 / 8.0, 2 / 8.0, 5 / 8.0};
    private static final double ROUNDINGS = 12 * 0x1p-53;
    private static final int IGNORED = -100;

    private final Tensor logits = matrix(row(0, Math.log(2), Math.log(5)));
    private final Tensor loss = REFERENCE.allocate(Shape.of(1));

    @Test
    void theLossIsMinusTheLogarithmOfTheTargetsProbability() {
        for (int target = 0; target < 3; target++) {
            REFERENCE.crossEntropy(logits, target(target), 0, loss);
            assertThat(REFERENCE.readDoubles(loss)).containsExactly(new double[] {-Math.log(P[target])}, within(ROUNDINGS));
        }
    }

    @Test
    void itsGradientIsWhatWasSaidMinusWhatShouldHaveBeenSaid() {
        withGradient(2, 0);
        assertThat(rows(logits)[0]).containsExactly(new double[] {P[0], P[1], P[2] - 1}, within(ROUNDINGS));
    }

    @Test
    void labelSmoothingSpreadsAShareOverAllTokens() {
        double[] wish = {0.1, 0.1, 0.7 + 0.1}; // ε = 0.3: 0.7 for the target, 0.1 for each
        withGradient(2, 0.3);
        double expected = 0;
        for (int j = 0; j < 3; j++) {
            expected -= wish[j] * Math.log(P[j]);
        }
        assertThat(REFERENCE.readDoubles(loss)).containsExactly(new double[] {expected}, within(ROUNDINGS));
        assertThat(rows(logits)[0]).containsExactly(
                new double[] {P[0] - wish[0], P[1] - wish[1], P[2] - wish[2]}, within(ROUNDINGS));
    }

    @Test
    void aPositionOfThePromptHasNeitherLossNorGradient() {
        withGradient(IGNORED, 0);
        assertThat(REFERENCE.readDoubles(loss)).containsExactly(0);
        assertThat(rows(logits)[0]).containsExactly(0, 0, 0);
    }

    private void withGradient(int target, double labelSmoothing) {
        REFERENCE.crossEntropyWithGradient(logits, target(target), labelSmoothing, 1, loss);
    }

    private static IntTensor target(int token) {
        IntTensor target = REFERENCE.allocateInts(Shape.of(1));
        REFERENCE.upload(new int[] {token}, 0, target, 1);
        return target;
    }
}
