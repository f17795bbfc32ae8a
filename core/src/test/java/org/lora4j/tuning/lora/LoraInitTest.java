package org.lora4j.tuning.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.lora4j.ByHand.REFERENCE;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** How A begins. B begins at zero, see {@code LoraLinearTest.aBOfZeroLeavesTheBits}. */
class LoraInitTest {

    private static final int IN = 100;
    private static final int R = 400;
    /** Of n = 40,000 normal numbers the mean square is off by a relative √(2/n) = 0.7 %; four times that. */
    private static final double OFF = 0.028;

    @Test
    void thePapersAIsGaussianWithVarianceOneOverIn() {
        double[] a = drawn(LoraInit.PAPER_GAUSSIAN, "h.0", 1);
        assertThat(meanSquare(a)).isCloseTo(1.0 / IN, within(OFF / IN));
        double deviation = Math.sqrt(1.0 / IN);
        assertThat(share(a, deviation)).as("within one standard deviation").isCloseTo(0.6827, within(0.01));
        assertThat(share(a, 2 * deviation)).as("within two").isCloseTo(0.9545, within(0.005));
    }

    @Test
    void loralibsAIsUniformBetweenPlusAndMinusOneOverTheRootOfIn() {
        double[] a = drawn(LoraInit.LORALIB_KAIMING, "h.0", 1);
        double bound = 1 / Math.sqrt(IN);
        assertThat(share(a, bound)).isEqualTo(1);
        assertThat(share(a, bound / 2)).isCloseTo(0.5, within(0.01));
        assertThat(meanSquare(a)).isCloseTo(1.0 / (3 * IN), within(OFF / (3 * IN)));
    }

    @Test
    void anEmbeddingsBIsAStandardNormal() {
        Tensor b = REFERENCE.allocate(Shape.of(R, IN));
        LoraInit.initialiseEmbeddingB(REFERENCE, b, "wte", 1);
        assertThat(meanSquare(REFERENCE.readDoubles(b))).isCloseTo(1, within(OFF));
    }

    @Test
    void theNumbersDependOnSeedAndNameAlone() {
        double[] a = drawn(LoraInit.PAPER_GAUSSIAN, "h.0", 1);
        assertThat(drawn(LoraInit.PAPER_GAUSSIAN, "h.0", 1)).isEqualTo(a);
        assertThat(drawn(LoraInit.PAPER_GAUSSIAN, "h.1", 1)).isNotEqualTo(a);
        assertThat(drawn(LoraInit.PAPER_GAUSSIAN, "h.0", 2)).isNotEqualTo(a);
    }

    private static double[] drawn(LoraInit init, String name, long seed) {
        Tensor a = REFERENCE.allocate(Shape.of(R, IN));
        init.initialiseA(REFERENCE, a, name, seed);
        return REFERENCE.readDoubles(a);
    }

    private static double meanSquare(double[] numbers) {
        return Arrays.stream(numbers).map(number -> number * number).average().orElseThrow();
    }

    private static double share(double[] numbers, double within) {
        return (double) Arrays.stream(numbers).filter(number -> Math.abs(number) <= within).count() / numbers.length;
    }
}
