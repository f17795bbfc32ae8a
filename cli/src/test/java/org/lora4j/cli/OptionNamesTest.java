package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lora4j.generate.Sampling;

/** The library's settings become the command's options. */
class OptionNamesTest {

    private static final Set<String> OPTIONS = Set.of("--rank", "--top-k", "--lr", "--out", "--overwrite");

    @Test
    void aSettingIsCalledAsItsOption() {
        assertThat(OptionNames.in("`rank` 0: too low", OPTIONS)).isEqualTo("--rank 0: too low");
        assertThat(OptionNames.in("Give another `folder`, or `overwrite` to begin anew", OPTIONS))
                .isEqualTo("Give another --out, or --overwrite to begin anew");
        assertThat(OptionNames.in("Lower `learningRate` (0.1)", OPTIONS)).isEqualTo("Lower --lr (0.1)");
        assertThat(OptionNames.in(catchThrowable(() -> new Sampling(1, -1, 1, 0)).getMessage(), OPTIONS))
                .isEqualTo("--top-k -1: expected 0 (all) or how many of the likeliest tokens to keep");
    }

    @Test
    void whatTheCommandHasNoOptionForStaysAsItIs() {
        assertThat(OptionNames.in("`dropout` 2.0 of `lora_A` and `Rank`, `$1`", OPTIONS))
                .isEqualTo("`dropout` 2.0 of `lora_A` and `Rank`, `$1`");
    }

    @Test
    void withoutACommandEverySettingHasItsOption() {
        assertThat(OptionNames.in("or use `backend` cpu")).isEqualTo("or use --backend cpu");
        assertThat(OptionNames.in("`noRepeatNgram`")).isEqualTo("--no-repeat-ngram");
    }
}
