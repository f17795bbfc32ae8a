package org.lora4j.experiments.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrintedNumberTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "0.37M | 368784 | ROUNDING", // up
        "4.7M | 4718592 | ROUNDING",
        "18.8M | 18874368 | ROUNDING", // cut off
        "0.35M | 393216 | DIFFERS",
        "3.0M | 3171840 | DIFFERS", // a zero behind the point is a digit
        "350GB | 349208518656 | ROUNDING", // before it, it may be none
        "1.5M | 1500000 | EQUAL",
        "175,255.8M | 175255800000 | EQUAL",
        "2.2% | 0.0225 | ROUNDING",
        "70.4±.1 | 70.38 | ROUNDING",
        ".4565 | 0.4565 | EQUAL",
        "2.00E-4 | 0.0002 | EQUAL",
        "2/3 | 0.7 | DIFFERS",
    })
    void aVerdictIsByTheDigitsThatArePrinted(String printed, String computed, Verdict verdict) {
        assertThat(PrintedNumber.of(printed, "").orElseThrow().verdict(new BigDecimal(computed))).isEqualTo(verdict);
    }

    @Test
    void mebibytesAreMeantWhereThatIsSaid() {
        assertThat(PrintedNumber.of("1.5MB", "MiB").orElseThrow().verdict(new BigDecimal(1_572_864))).isEqualTo(Verdict.EQUAL);
        assertThat(PrintedNumber.of("3.4MB", "MiB").orElseThrow().verdict(new BigDecimal(3_551_244))).isEqualTo(Verdict.ROUNDING);
        assertThat(PrintedNumber.of("3.4MB", "").orElseThrow().verdict(new BigDecimal(3_551_244))).isEqualTo(Verdict.DIFFERS);
    }

    @Test
    void formulasAreComputed() {
        assertThat(Formula.value("4*(count(a; b)+1)/2-3", (name, arguments) -> BigDecimal.valueOf(arguments.size())))
                .isEqualByComparingTo("3");
        assertThatThrownBy(() -> Formula.value("4*", (name, arguments) -> BigDecimal.ONE)).hasMessageContaining("not a formula at character 3");
    }
}
