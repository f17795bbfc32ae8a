package org.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ThresholdTest {

    private static final float[] EDGES = {0f, -0f, 1f, -1f, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MAX_VALUE,
        -Float.MAX_VALUE, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, 1e-3f, -1e-3f};

    private static int[] keys(float[] values) {
        return IntStream.range(0, values.length).map(i -> Threshold.key(values[i])).toArray();
    }

    private static float[] numbers(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(8) == 0 ? EDGES[random.nextInt(EDGES.length)]
                    : random.nextBoolean() ? (float) random.nextGaussian() * 5 : random.nextInt(7) - 3;
        }
        return values;
    }

    @Test
    void keysAreOrderedAsTheNumbersAre() {
        float[] values = numbers(new Random(1), 300);
        for (float x : values) {
            for (float y : values) {
                assertThat(Integer.compare(Threshold.key(x), Threshold.key(y))).as("%s, %s", x, y)
                        .isEqualTo(x < y ? -1 : x > y ? 1 : 0);
            }
        }
    }

    @Test
    void theKthLargestIsWhatSortingSays() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            float[] values = numbers(random, 1 + random.nextInt(200));
            int[] keys = keys(values);
            int[] sorted = keys.clone();
            Arrays.sort(sorted);
            for (int k = 1; k <= keys.length; k += 1 + random.nextInt(9)) {
                assertThat(new Threshold().find(keys, null, keys.length, k)).isEqualTo(sorted[keys.length - k]);
            }
        }
    }

    @Test
    void theEdgeOfAShareIsWhatAddingUpFromTheLargestSays() {
        for (int seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            int[] keys = keys(numbers(random, 1 + random.nextInt(200)));
            double[] weights = random.ints(keys.length, 0, 5).asDoubleStream().toArray(); // exact sums
            double target = random.nextInt(1 + (int) Arrays.stream(weights).sum());
            int[] order = IntStream.range(0, keys.length).boxed().sorted((i, j) -> Integer.compare(keys[j], keys[i]))
                    .mapToInt(i -> i).toArray();
            double reached = 0;
            int expected = keys[order[0]];
            for (int i : order) {
                expected = keys[i];
                reached += weights[i];
                if (reached >= target) {
                    break;
                }
            }
            assertThat(new Threshold().find(keys, weights, keys.length, target)).as("seed %d", seed).isEqualTo(expected);
        }
    }

    @Test
    void aShareThatRoundingNeverReachesTakesEverything() {
        assertThat(new Threshold().find(new int[] {3, 9, -4}, new double[] {1, 1, 1}, 3, 3.1)).isEqualTo(-4);
    }
}
