package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PythonJsonTest {

    /** The right-hand sides are what Python 3.11 prints. */
    @ParameterizedTest
    @CsvSource({"0, 0.0", "-0.0, -0.0", "1, 1.0", "0.05, 0.05", "0.0001, 0.0001", "0.00012345, 0.00012345", "1e-5, 1e-05",
        "1.5e-7, 1.5e-07", "1e15, 1000000000000000.0", "123456789.125, 123456789.125", "1e16, 1e+16", "1.25e22, 1.25e+22",
        "1e100, 1e+100", "2.5e-320, 2.5e-320", "1.7976931348623157e308, 1.7976931348623157e+308", "0.1, 0.1", "100, 100.0",
        "12345678, 12345678.0", "1e7, 10000000.0", "-2.5e-10, -2.5e-10", "NaN, NaN", "Infinity, Infinity"})
    void floatsAreSpeltAsPythonSpellsThem(double value, String expected) {
        assertThat(PythonJson.number(value)).isEqualTo(expected);
    }

    @Test
    void textsKeepOnlyTheEscapesTheyNeed() {
        assertThat(PythonJson.quote("a\"\\/\b\f\n\r\t\u0001é")).isEqualTo("\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001é\"");
    }
}
