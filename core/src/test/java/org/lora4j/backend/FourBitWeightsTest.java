package org.lora4j.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.tensor.Philox;

class FourBitWeightsTest {

    private static float[] normal(int count) {
        float[] values = new float[count];
        Philox random = new Philox(3);
        for (int i = 0; i < count; i++) {
            values[i] = (float) (0.02 * random.normal(0, 7, i));
        }
        return values;
    }

    private static FourBitWeights quantised(float[] values) {
        FourBitWeights.Builder builder = new FourBitWeights.Builder(values.length);
        builder.put(values, 0, 0, values.length);
        return builder.build();
    }

    private static float[] expanded(FourBitWeights weights) {
        float[] values = new float[(int) weights.count()];
        weights.expand(0, values, 0, values.length);
        return values;
    }

    /** The table's widest gap is 0.304 of a scale, half of which may be lost; the scale's own eight bits lose a little more. */
    @ParameterizedTest
    @ValueSource(ints = {1, 63, 64, 65, 1000, 64 * 256 * 2 + 77})
    void everyWeightIsWithinHalfTheWidestGapOfItsBlock(int count) {
        float[] values = normal(count);
        float[] back = expanded(quantised(values));
        for (int b = 0; b < count; b += 64) {
            float largest = 0;
            for (int i = b; i < Math.min(count, b + 64); i++) {
                largest = Math.max(largest, Math.abs(values[i]));
            }
            for (int i = b; i < Math.min(count, b + 64); i++) {
                assertThat((double) Math.abs(back[i] - values[i])).isLessThanOrEqualTo(0.17 * largest);
            }
        }
    }

    @Test
    void aWeightIsTheNearestOfTheSixteenTimesItsScale() {
        float[] table = FourBitWeights.normalTable();
        float[] values = new float[64];
        for (int i = 0; i < 64; i++) {
            values[i] = 2 * table[i % 16] + (i < 32 ? 0.01f : -0.01f) * (i % 16 == 0 || i % 16 == 15 ? 0 : 1);
        }
        float[] back = expanded(quantised(values));
        for (int i = 0; i < 64; i++) {
            assertThat(back[i]).isEqualTo(2 * table[i % 16]); // one scale is their mean, which eight bits hold exactly
        }
    }

    @Test
    void anyPieceIsThatOfTheWhole() {
        FourBitWeights weights = quantised(normal(500));
        float[] all = expanded(weights);
        for (int[] piece : new int[][] {{0, 500}, {1, 63}, {63, 2}, {64, 64}, {127, 130}, {499, 1}}) {
            float[] values = new float[piece[1] + 2];
            weights.expand(piece[0], values, 1, piece[1]);
            assertThat(Arrays.copyOfRange(values, 1, piece[1] + 1)).isEqualTo(Arrays.copyOfRange(all, piece[0], piece[0] + piece[1]));
        }
    }

    @Test
    void halfAByteAWeightAndAByteABlock() {
        assertThat(quantised(normal(64 * 1024)).bytes()).isEqualTo(32 * 1024 + 1024 + 4 * 4);
    }

    @Test
    void piecesOfABlockAreRefused() {
        FourBitWeights.Builder builder = new FourBitWeights.Builder(200);
        assertThatThrownBy(() -> builder.put(new float[200], 0, 0, 100)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("whole blocks of 64");
    }
}
