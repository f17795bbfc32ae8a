package org.lora4j.select;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;

class PythonRegexTest {

    /** The third column is what {@code bool(re.fullmatch(pattern, text))} says in Python 3.11. */
    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', value = {
        "(?P<a_1>x)(?P<b>y)(?P=b)0(?P=a_1), xyy0x, true",
        "(x)(?P<b>y)(?P=b)\\1, xyyx, true",
        "(?:x)(?P<b>y)(?P=b), xyy, true",
        "a(?#a comment)b, ab, true",
        "ab\\Z, ab, true",
        "[a[]+, a[a, true",
        "[a&&b]+, a&b, true",
        "[]a]+, a]a, true",
        "[^]a]+, b[, true",
        "[^]a]+, b], false",
        "[\\]a]+, a], true",
        "`x{,2}y`, xxy, true",
        "`x{,2}y`, xxxy, false",
        "(?i)C_ATTN, c_attn, true",
        "(?=c)c_attn(?<=n), c_attn, true",
        "c_attn, h.c_attn, false",
    })
    void meansWhatItMeansInPython(String pattern, String text, boolean expected) {
        assertThat(PythonRegex.compile("targets", pattern).matchesAll(text)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "*", "a{2,1}", "(?P<a>x)(?P=b)", "\\", "(?P<a", "(?<n>a)(?<n>b)", "[z-a]", "(?(1)a|b)", "\\N{X}"})
    void whatIsNoExpressionIsAnErrorOfOneLine(String pattern) {
        assertThatThrownBy(() -> PythonRegex.compile("targets", pattern)).isInstanceOf(LoraException.class)
                .hasMessageStartingWith("targets '" + pattern + "' is not a regular expression: ")
                .satisfies(e -> assertThat(e.getMessage()).hasLineCount(1));
    }

    /** 600 random expressions with what Python says of them; see make_regex_file.py. */
    @Test
    void saysOfRandomExpressionsWhatPythonSays() throws IOException {
        JsonNode cases;
        try (InputStream in = PythonRegexTest.class.getResourceAsStream("python_regex.json")) {
            cases = new JsonMapper().readTree(in);
        }
        assertThat(cases).hasSize(600);
        for (JsonNode c : cases) {
            String pattern = c.get(0).textValue();
            String text = c.get(1).textValue();
            if (c.get(2).isNull()) {
                assertThatThrownBy(() -> PythonRegex.compile("targets", pattern)).as(pattern).isInstanceOf(LoraException.class);
                continue;
            }
            PythonRegex regex = PythonRegex.compile("targets", pattern);
            PythonRegex.Match match = regex.matchAtStart(text);
            assertThat(regex.matchesAll(text)).as(pattern + " on " + text).isEqualTo(c.get(2).booleanValue());
            assertThat(match == null ? -1 : match.length()).as(pattern + " on " + text).isEqualTo(c.get(3).intValue());
        }
    }

    @Test
    void absurdNestingIsAnErrorToo() {
        String nested = "(".repeat(200_000) + ")".repeat(200_000);
        assertThatThrownBy(() -> PythonRegex.compile("targets", nested)).isInstanceOf(LoraException.class)
                .hasMessageContaining("is not a regular expression");
    }

    @ParameterizedTest
    @Timeout(10)
    @ValueSource(strings = {"(a*)*(a*)*(a*)*b", "()(a+)+\\1$", "()(a|a)*\\1b", "((((((((((.*)*)*)*)*)*)*)*)*)*)*x",
        ".{60}!(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)(?:||)x",
        "(?:a{0,60}){60}b", "(?=(a+)+b)a"})
    void anExpressionThatWouldTakeForeverIsGivenUp(String pattern) {
        PythonRegex regex = PythonRegex.compile("targets", pattern);
        assertThatThrownBy(() -> regex.matchesAll("a".repeat(60) + "!")).isInstanceOf(LoraException.class)
                .hasMessageContaining("takes too long, or too much stack, on the name 'aaa");
    }

    @Test
    void aNameSoLongThatTheStackRunsOutIsAnErrorToo() {
        PythonRegex regex = PythonRegex.compile("targets", "(a|b)*");
        assertThatThrownBy(() -> regex.matchesAll("a".repeat(400_000))).isInstanceOf(LoraException.class)
                .hasMessageContaining("takes too long, or too much stack");
    }
}
