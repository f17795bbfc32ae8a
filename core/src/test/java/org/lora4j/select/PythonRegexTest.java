package org.lora4j.select;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.regex.Matcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
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
    @ValueSource(strings = {"(", "[", "*", "a{2,1}", "(?P<a>x)(?P=b)", "\\", "(?P<a", "(?<n>a)(?<n>b)", "[z-a]", "(?<=a)*+*",
        "(?-u:a)", "a(?i)b", "\\q"})
    void whatIsNoExpressionIsAnErrorOfOneLine(String pattern) {
        assertThatThrownBy(() -> PythonRegex.compile("targets", pattern)).isInstanceOf(LoraException.class)
                .hasMessageStartingWith("targets '" + pattern + "' is not a regular expression: ")
                .satisfies(e -> assertThat(e.getMessage()).hasLineCount(1));
    }

    /** 600 random expressions with what Python says of them, or those that are not read here; see make_regex_file.py. */
    @Test
    void saysOfRandomExpressionsWhatPythonSays() throws IOException {
        JsonNode cases;
        try (InputStream in = PythonRegexTest.class.getResourceAsStream("python_regex.json")) {
            cases = new JsonMapper().readTree(in);
        }
        assertThat(cases).hasSize(600);
        int notRead = 0;
        for (JsonNode c : cases) {
            String pattern = c.get(0).textValue();
            String text = c.get(1).textValue();
            boolean right = !c.get(2).isNull();
            PythonRegex regex;
            try {
                regex = PythonRegex.compile("targets", pattern);
            } catch (LoraException e) {
                boolean unread = e.getMessage().endsWith(" is not read in a regular expression here; write it without");
                assertThat(right && !unread).as(e.getMessage()).isFalse();
                notRead += right ? 1 : 0;
                continue;
            }
            assertThat(right).as(pattern + " is an error in Python").isTrue();
            Matcher match = regex.matchAtStart(text);
            assertThat(regex.matchesAll(text)).as(pattern + " on " + text).isEqualTo(c.get(2).booleanValue());
            assertThat(match == null ? -1 : match.end()).as(pattern + " on " + text).isEqualTo(c.get(3).intValue());
        }
        assertThat(notRead).isEqualTo(39);
    }

    /** What is right in Python and not read here, by its name. */
    @ParameterizedTest
    @CsvSource(quoteCharacter = '`', delimiter = ';', value = {
        "(a)?(?(1)b|c); a condition, as in (?(1)a|b),",
        "(?x)a b; the flag x",
        "(?a:\\w); the flag a",
        "(?m)^a; the flag m",
        "(?<=ab|cd)e; alternatives in a look-behind",
        "(?<!(a))e; a group in a look-behind",
        "(?<=a{2})e; a repetition in a look-behind",
        "a\\141; a character by its octal number",
        "[\\0]; a character by its octal number",
        "\\N{COLON}; the escape \\N",
        "(a)(?<=\\1)e; a back-reference in a look-behind",
    })
    void aConstructThatIsNotReadIsRefusedByItsName(String pattern, String construct) {
        assertThatThrownBy(() -> PythonRegex.compile("targets", pattern)).isInstanceOf(LoraException.class).hasMessage("targets '"
                + pattern + "': " + construct + " is not read in a regular expression here; write it without");
    }

    @Test
    void absurdNestingIsAnErrorToo() {
        String nested = "(".repeat(200_000) + ")".repeat(200_000);
        assertThatThrownBy(() -> PythonRegex.compile("targets", nested)).isInstanceOf(LoraException.class)
                .hasMessageContaining("is not a regular expression");
    }

    @ParameterizedTest
    @Timeout(10)
    @MethodSource("endless")
    void anExpressionThatWouldTakeForeverIsGivenUp(String pattern) {
        PythonRegex regex = PythonRegex.compile("targets", pattern);
        assertThatThrownBy(() -> regex.matchesAll("a".repeat(60) + "!")).isInstanceOf(LoraException.class)
                .hasMessageContaining("takes too long, or too much stack, on the name 'aaa");
    }

    /** The last four try ways without end that read no character of the name by themselves. */
    static List<String> endless() {
        return List.of("(?:a{0,60}){60}b", "(a*)*(a*)*(a*)*b", "()(a+)+\\1$", "()(a|a)*\\1b", "((((((((((.*)*)*)*)*)*)*)*)*)*)*x",
                "(.*)(.*)(.*)(.*)(.*)\\1\\2\\3\\4\\5x",
                ".{61}" + "(?:||)".repeat(40) + "x", ".{61}" + "(?:||)".repeat(40) + "^", "(b)?.{61}" + "(?:||)".repeat(40) + "\\1",
                "(?:(?=){2000000000}){2000000000}x");
    }

    /** Java remembers where a repetition came to nothing. */
    @ParameterizedTest
    @Timeout(10)
    @ValueSource(strings = {"(?=(a+)+b)a.*", "(.*.*)*x"})
    void anExpressionThatOnlyLooksEndlessIsAnswered(String pattern) {
        assertThat(PythonRegex.compile("targets", pattern).matchesAll("a".repeat(60) + "!")).isFalse();
    }

    @Test
    void aNameSoLongThatTheStackRunsOutIsAnErrorToo() {
        PythonRegex regex = PythonRegex.compile("targets", "(a|b)*");
        assertThatThrownBy(() -> regex.matchesAll("a".repeat(400_000))).isInstanceOf(LoraException.class)
                .hasMessageContaining("takes too long, or too much stack");
    }
}
