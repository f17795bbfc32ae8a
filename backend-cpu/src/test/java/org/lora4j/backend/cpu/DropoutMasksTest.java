package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.Philox;

/** What is remembered of a mask gives the factors that the mask gives. */
class DropoutMasksTest {

    private static final int ROWS = 3;

    private final DropoutMasks masks = new DropoutMasks();

    private static DropoutMask mask(long step, int site) {
        return new DropoutMask(0.4, 0x1234_5678_9ABCL, step, site);
    }

    /** All rows, as an operation asks for them, from the column {@code from} of each on. */
    private static float[] ask(DropoutFactors factors, int length, int from) {
        float[] all = new float[ROWS * (length - from)];
        float[] out = new float[length + VectorMath.LANES + DropoutFactors.MARGIN];
        for (int row = 0; row < ROWS; row++) {
            int begin = factors.fill((long) row * length + from, length - from, out);
            System.arraycopy(out, begin, all, row * (length - from), length - from);
        }
        factors.complete();
        return all;
    }

    private static float[] expected(DropoutMask mask, int length, int from) {
        float[] all = new float[ROWS * (length - from)];
        Philox random = new Philox(mask.seed());
        for (int i = 0; i < all.length; i++) {
            long element = (long) i / (length - from) * length + from + i % (length - from);
            boolean keeps = Integer.compareUnsigned(random.word((int) mask.step(), mask.site(), element), mask.threshold()) >= 0;
            all[i] = keeps ? (float) mask.scale() : 0;
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 16, 17, 31, 64, 100, 1000})
    void theSecondTimeGivesWhatTheFirstGave(int length) {
        DropoutMask mask = mask(7, 3);
        for (int time = 0; time < 3; time++) {
            Fixtures.assertSameBits(ask(masks.factors(mask, ROWS, length, "all"), length, 0), expected(mask, length, 0),
                    "factors, asked for " + time + " times before");
        }
    }

    @Test
    void anotherStepPlaceLengthOrCutIsNotTakenForThisOne() {
        int length = 64 + VectorMath.LANES;
        ask(masks.factors(mask(1, 3), ROWS, length, "from the second panel on"), length, 64);
        Fixtures.assertSameBits(ask(masks.factors(mask(1, 3), ROWS, length, "all"), length, 0), expected(mask(1, 3), length, 0), "all");
        for (int time = 0; time < 2; time++) {
            for (DropoutMask mask : new DropoutMask[] {mask(1, 3), mask(2, 3), mask(2, 4), mask(1, 3)}) {
                Fixtures.assertSameBits(ask(masks.factors(mask, ROWS, 40, 40), 40, 0), expected(mask, 40, 0), mask.toString());
                Fixtures.assertSameBits(ask(masks.factors(mask, ROWS, 333, 333), 333, 0), expected(mask, 333, 0), mask.toString());
            }
        }
    }

    @Test
    void anOperationThatFailedOnItsWayLeavesNothingBehind() {
        DropoutMask mask = mask(9, 3);
        masks.factors(mask, ROWS, 40, 40).fill(0, 40, new float[40 + VectorMath.LANES + DropoutFactors.MARGIN]);
        Fixtures.assertSameBits(ask(masks.factors(mask, ROWS, 40, 40), 40, 0), expected(mask, 40, 0), "after half an operation");
    }

    @Test
    void whatIsTooLargeIsMadeEachTimeAndNothingDroppedNeedsNoFactors() {
        DropoutMask mask = mask(7, 3);
        float[] out = new float[16 + DropoutFactors.MARGIN];
        for (int time = 0; time < 2; time++) {
            DropoutFactors factors = masks.factors(mask, 1, Integer.MAX_VALUE - 8, "all");
            int begin = factors.fill(1_999_999_984, 16, out);
            int word = new Philox(mask.seed()).word((int) mask.step(), mask.site(), 1_999_999_984);
            assertThat(out[begin] != 0).isEqualTo(Integer.compareUnsigned(word, mask.threshold()) >= 0);
            factors.complete();
        }
        assertThat(masks.factors(DropoutMask.NONE, 1, 10, 10)).isNull();
    }
}
