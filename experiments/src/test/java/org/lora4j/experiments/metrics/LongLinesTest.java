package org.lora4j.experiments.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;

/** Lines of many thousand words, which are rare and must not hang: each takes a second or less. */
@Timeout(120)
class LongLinesTest {

    private static Corpus corpus(String hypothesis, String reference) {
        return new Corpus(List.of(hypothesis), List.of(List.of(reference)));
    }

    @Test
    void meteorOfALineOfEqualWordsIsThatOfAPerfectMatch() {
        String line = "food ".repeat(2_000).strip();

        assertThat(new Meteor().score(corpus(line, line)).value()).isEqualTo(1, within(1e-12));
    }

    @Test
    void meteorRefusesWhatCannotBeAligned() {
        String line = "food ".repeat(20_000).strip();

        assertThatThrownBy(() -> new Meteor().score(corpus(line, line))).isInstanceOf(LoraException.class)
                .hasMessageContaining("a text of 20000 words").hasMessageContaining("Split them into sentences");
    }

    @Test
    void meteorOfLongLinesOfManyWordsIsFast() {
        Random random = new Random(1);
        String line = random.ints(4_000, 0, 1_000).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));

        assertThat(new Meteor().score(corpus(line, line)).value()).isGreaterThan(0.8).isLessThanOrEqualTo(1);
    }

    @Test
    void theCommonSubsequenceIsTheTablesWhateverTheWords() {
        Random random = new Random(2);
        for (int i = 0; i < 500; i++) {
            int kinds = 1 + random.nextInt(8);
            String[] a = words(random, random.nextInt(200), kinds);
            String[] b = words(random, random.nextInt(200), kinds);

            assertThat(RougeL.longestCommonSubsequence(a, b)).isEqualTo(table(a, b));
        }
    }

    private static String[] words(Random random, int length, int kinds) {
        return IntStream.range(0, length).mapToObj(i -> String.valueOf(random.nextInt(kinds))).toArray(String[]::new);
    }

    /** The textbook's recurrence. */
    private static int table(String[] a, String[] b) {
        int[][] table = new int[a.length + 1][b.length + 1];
        for (int i = 1; i <= a.length; i++) {
            for (int j = 1; j <= b.length; j++) {
                table[i][j] = a[i - 1].equals(b[j - 1]) ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
            }
        }
        return table[a.length][b.length];
    }

    @Test
    void rougeLOfSixtyThousandWordsIsFast() {
        String line = IntStream.range(0, 60_000).mapToObj(i -> "w" + i % 977).collect(Collectors.joining(" "));

        assertThat(new RougeL().score(corpus(line, line)).value()).isEqualTo(1, within(1e-12));
    }

    @ParameterizedTest
    @Timeout(30)
    @ValueSource(strings = {"<a ", "<a", "<", "<<a b", "a,", "a-", "a_", "a.b!", "U.S.-", "a@", "a@b,", "((", "[", "\"", "'", "'a", "`",
            "-", ".", "..a", "*", "www.", "http://", "a/", "1,", "1/", "+1 ", "&amp;", "&", "é-", "e\u0301-", "A&", ":-)", "#", "@a",
            "a.", "a. ", "don't", "n't", "\u00ad", "?!", "Inc.", "=", "~a", "$1.", "0 ", "12 "})
    void wordsOfAnySignsThatGoOnAndOnAreFoundInTimeThatGrowsWithTheirNumber(String piece) {
        String line = piece.repeat(30_000 / piece.length());

        assertThat(PennTreebankTokenizer.tokenize(List.of(line)).getFirst()).isNotNull();
    }

    @Test
    void terOfALongLineHasItsFewEdits() {
        String[] words = IntStream.range(0, 5_000).mapToObj(i -> "w" + i % 977).toArray(String[]::new);
        String reference = String.join(" ", words);
        words[500] = "other";
        words[3_500] = "other";

        assertThat(new Ter().score(corpus(String.join(" ", words), reference)).value()).isEqualTo(2 / 5_000.0, within(1e-12));
    }
}
