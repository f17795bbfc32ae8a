package org.lora4j.backend.reference;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErfTest {

    private static final double UNIT_ROUNDOFF = 0x1p-53;

    // values of the series at 120 decimal digits, rounded to double
    @ParameterizedTest
    @CsvSource({
            "0, 0.0, 1.0",
            "1e-300, 1.1283791670955126e-300, 1.0",
            "1e-09, 1.1283791670955127e-09, 0.9999999988716208",
            "0.0625, 0.07043197772238707, 0.9295680222776129",
            "0.5, 0.5204998778130465, 0.4795001221869535",
            "1, 0.8427007929497149, 0.15729920705028513",
            "1.5, 0.9661051464753108, 0.033894853524689274",
            "1.9999999, 0.9953222629522538, 0.004677737047746216",
            "2, 0.9953222650189527, 0.004677734981047266",
            "2.5, 0.999593047982555, 0.0004069520174449589",
            "3, 0.9999779095030014, 2.209049699858544e-05",
            "4, 0.9999999845827421, 1.541725790028002e-08",
            "5, 0.9999999999984626, 1.537459794428035e-12",
            "6.5, 1.0, 3.8421483271206475e-20",
            "8, 1.0, 1.1224297172982926e-29"
    })
    void agreesWithValuesAt120Digits(double x, double erf, double erfc) {
        assertThat(Erf.erf(x)).isCloseTo(erf, Offset.offset(bound(x, erf)));
        assertThat(Erf.erf(-x)).isEqualTo(-Erf.erf(x));
        assertThat(Erf.erfc(x)).isCloseTo(erfc, Offset.offset(bound(x, erfc) + (x < 2 ? bound(x, erf) : 0)));
        assertThat(Erf.erfc(-x)).isCloseTo(1 + erf, Offset.offset(2 * bound(x, erf)));
    }

    // the exponent x² is rounded once, which e^(−x²) turns into a relative error of x²·u; some ten roundings come on top
    private static double bound(double x, double value) {
        return (x * x + 12) * UNIT_ROUNDOFF * value;
    }
}
