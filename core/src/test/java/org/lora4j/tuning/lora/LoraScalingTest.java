package org.lora4j.tuning.lora;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LoraScalingTest {

    @Test
    void thePapersScaleIsAlphaOverR() {
        assertThat(LoraScaling.ALPHA_OVER_R.of(32, 4)).isEqualTo(8);
        assertThat(LoraScaling.ALPHA_OVER_R.of(1, 8)).isEqualTo(0.125);
    }

    @Test
    void theRankStabilisedScaleIsAlphaOverTheRootOfR() {
        assertThat(LoraScaling.ALPHA_OVER_SQRT_R.of(32, 4)).isEqualTo(16);
        assertThat(LoraScaling.ALPHA_OVER_SQRT_R.of(6, 9)).isEqualTo(2);
    }

    @Test
    void theyAgreeAtRankOne() {
        assertThat(LoraScaling.ALPHA_OVER_SQRT_R.of(5, 1)).isEqualTo(LoraScaling.ALPHA_OVER_R.of(5, 1)).isEqualTo(5);
    }
}
