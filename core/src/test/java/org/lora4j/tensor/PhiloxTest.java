package org.lora4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PhiloxTest {

    private static final int SITE = Philox.site("test");

    /** The known-answer vectors that come with Random123, the authors' own implementation. */
    @ParameterizedTest
    @CsvSource({
        "00000000 00000000, 00000000 00000000 00000000 00000000, 6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        "ffffffff ffffffff, ffffffff ffffffff ffffffff ffffffff, 408f276d 41c83b0e a20bc7c6 6d5451fd",
        "a4093822 299f31d0, 243f6a88 85a308d3 13198a2e 03707344, d16cfe09 94fdcceb 5001e420 24126ea1",
    })
    void givesTheAuthorsKnownAnswers(String keyHex, String counterHex, String expectedHex) {
        int[] key = words(keyHex);
        int[] c = words(counterHex);
        int[] expected = words(expectedHex);

        int[] block = new int[4];
        Philox.block(key[0], key[1], c[0], c[1], c[2], c[3], block, 0);
        assertThat(block).isEqualTo(expected);
        for (int lane = 0; lane < 4; lane++) {
            assertThat(Philox.word(key[0], key[1], c[0], c[1], c[2], c[3], lane)).isEqualTo(expected[lane]);
        }
    }

    @Test
    void seedStepSiteAndIndexFallOnKeyAndCounterAsDocumented() {
        long seed = 0x299f31d0_a4093822L;
        long index = (0x85a308d3_243f6a88L << 2) | 3; // the block's upper two bits fall off
        int[] expected = new int[4];
        Philox.block(0xa4093822, 0x299f31d0, 0x243f6a88, 0x05a308d3, 0x13198a2e, 0x03707344, expected, 0);

        assertThat(new Philox(seed).word(0x03707344, 0x13198a2e, index)).isEqualTo(expected[3]);
    }

    @Test
    void uniformNumbersReachNeitherZeroNorOneInDoubleAndNotOneInFloat() {
        assertThat(Philox.toDouble(0)).isEqualTo(0x1p-33);
        assertThat(Philox.toDouble(-1)).isEqualTo(1 - 0x1p-33);
        assertThat(Philox.toFloat(0)).isZero();
        assertThat(Philox.toFloat(-1)).isEqualTo(1 - 0x1p-24f);
    }

    @Test
    void fillingGivesTheElementsOneByOne() {
        Philox random = new Philox(7);
        double[] uniform = new double[13];
        float[] normal = new float[13];
        random.fillUniform(uniform, -2, 3, 4, SITE);
        random.fillNormal(normal, 0.5, 4, SITE);
        for (int i = 0; i < 13; i++) {
            assertThat(uniform[i]).isEqualTo(-2 + 5 * random.uniform(4, SITE, i));
            assertThat(normal[i]).isEqualTo((float) (0.5 * random.normal(4, SITE, i)));
        }
    }

    /** Bounds are four standard errors of the estimated moment over n numbers. */
    @Test
    void momentsAreThoseOfTheUniformAndTheNormalDistribution() {
        int n = 1 << 18;
        Philox random = new Philox(42);
        double[] uniform = new double[n];
        random.fillUniform(uniform, 0, 1, 0, SITE);
        assertThat(mean(uniform, 1)).isBetween(0.5 - 4 / Math.sqrt(12.0 * n), 0.5 + 4 / Math.sqrt(12.0 * n));

        double[] normal = new double[n];
        random.fillNormal(normal, 1, 0, SITE);
        assertThat(mean(normal, 1)).isBetween(-4 / Math.sqrt(n), 4 / Math.sqrt(n));
        assertThat(mean(normal, 2)).isBetween(1 - 4 * Math.sqrt(2.0 / n), 1 + 4 * Math.sqrt(2.0 / n));
        assertThat(mean(normal, 4)).isBetween(3 - 4 * Math.sqrt(96.0 / n), 3 + 4 * Math.sqrt(96.0 / n));
    }

    @Test
    void boundedNumbersAreEvenlySpread() {
        Philox random = new Philox(1);
        int[] seen = new int[7];
        int n = 70_000;
        for (int i = 0; i < n; i++) {
            seen[random.bounded(7, 0, SITE, i)]++;
        }
        // binomial with mean 10,000: five standard deviations are 5·√(10,000·6/7) = 463
        assertThat(Arrays.stream(seen)).allMatch(count -> Math.abs(count - n / 7) < 463);
    }

    @Test
    void aBoundThatRejectsAQuarterOfTheWordsStillStaysBelowTheBound() {
        Philox random = new Philox(1);
        int bound = (1 << 30) + 1; // 2³² mod bound is 2³⁰ − 3: a quarter is drawn again
        for (int i = 0; i < 1000; i++) {
            assertThat(random.bounded(bound, 0, SITE, i)).isBetween(0, bound - 1);
        }
    }

    @Test
    void aBoundOfZeroIsAnErrorThatNamesIt() {
        assertThatThrownBy(() -> new Philox(1).bounded(0, 0, SITE, 5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("below 0 for element 5");
    }

    @Test
    void aPermutationHoldsEachNumberOnceAndChangesWithSeedStepAndSite() {
        int[] order = new Philox(3).permutation(1000, 0, SITE);
        int[] sorted = order.clone();
        Arrays.sort(sorted);
        for (int i = 0; i < 1000; i++) {
            assertThat(sorted[i]).isEqualTo(i);
        }
        assertThat(new Philox(3).permutation(1000, 0, SITE)).isEqualTo(order);
        assertThat(new Philox(4).permutation(1000, 0, SITE)).isNotEqualTo(order);
        assertThat(new Philox(3).permutation(1000, 1, SITE)).isNotEqualTo(order);
        assertThat(new Philox(3).permutation(1000, 0, SITE + 1)).isNotEqualTo(order);
    }

    @Test
    void permutationsOfThreeComeOutEquallyOften() {
        int[] seen = new int[27];
        for (int step = 0; step < 60_000; step++) {
            int[] order = new Philox(9).permutation(3, step, SITE);
            seen[9 * order[0] + 3 * order[1] + order[2]]++;
        }
        // six orders, 10,000 each; five standard deviations are 5·√(10,000·5/6) = 457
        assertThat(Arrays.stream(seen).filter(count -> count > 0)).hasSize(6)
                .allMatch(count -> Math.abs(count - 10_000) < 457);
    }

    @Test
    void aSiteIsTheFnv1aHashOfItsName() {
        assertThat(Philox.site("")).isEqualTo(0x811c9dc5);
        assertThat(Philox.site("foobar")).isEqualTo(0xbf9cf968);
    }

    private static int[] words(String hex) {
        return Arrays.stream(hex.split(" ")).mapToInt(word -> Integer.parseUnsignedInt(word, 16)).toArray();
    }

    private static double mean(double[] values, int power) {
        return Arrays.stream(values).map(value -> Math.pow(value, power)).average().orElseThrow();
    }
}
