package org.lora4j.experiments.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Worked by hand, or in the paper. */
class BleuTest {

    private static final Offset<Double> EXACT = within(1e-12);

    private static double bleu(String hypothesis, String... references) {
        return new Bleu().score(new Corpus(List.of(hypothesis), List.of(List.of(references)))).value();
    }

    @Test
    void aTextLikeOneOfItsReferencesScores1() {
        assertThat(bleu("the cat is on the mat .", "there is a cat", "The cat is on the mat.")).isEqualTo(1, EXACT);
    }

    @Test
    void aWordCountsAtMostAsOftenAsInOneReference() {
        // the paper's example: 2 of 7 words; no pair of 6, no triple of 5, no quadruple of 4: 1/(2·6), 1/(4·5), 1/(8·4)
        double expected = Math.pow(2 / 7.0 / 12 / 20 / 32, 0.25);

        assertThat(bleu("the the the the the the the", "the cat is on the mat", "there is a cat on the mat")).isEqualTo(expected, EXACT);
    }

    @Test
    void aShortTextIsPunishedByTheNearestLengthTheShorterOfTwo() {
        // 5 words; references of 4 and 6 are as near: no penalty
        assertThat(bleu("a b c d e", "a b c d e f", "a b c d")).isEqualTo(1, EXACT);
        assertThat(bleu("a b c d e", "a b c d e f")).isEqualTo(Math.exp(1 - 6 / 5.0), EXACT);
    }

    @Test
    void nothingWrittenScores0() {
        assertThat(bleu("", "a b c")).isZero();
    }

    @Test
    void lengthsWithoutNgramsCountAsPerfect() {
        // mteval's way: one word, no pairs, triples, quadruples
        assertThat(bleu("a", "a")).isEqualTo(1, EXACT);
    }

    @Test
    void withoutSmoothingOneMissingLengthMakesItZero() {
        Corpus corpus = Corpus.ofSingle(List.of("a b c x"), List.of("a b c d"));

        assertThat(new Bleu(false, false).score(corpus).value()).isZero();
        assertThat(new Bleu().score(corpus).value()).isPositive();
    }

    @Test
    void caseOfAsciiLettersDoesNotCountUnlessKept() {
        Corpus corpus = Corpus.ofSingle(List.of("A B C D"), List.of("a b c d"));

        assertThat(new Bleu().score(corpus).value()).isEqualTo(1, EXACT);
        assertThat(new Bleu(true, true).score(corpus).value()).isLessThan(0.2);
        assertThat(bleu("É É É É", "é é é é")).as("Perl's tr knows A to Z only").isLessThan(0.2);
    }

    @Test
    void aCorpusIsScoredByItsCountsAndNotByTheMeanOfItsSegments() {
        Score score = new Bleu().score(Corpus.ofSingle(List.of("a b c d", "x"), List.of("a b c d", "y")));

        assertThat(score.segments()).hasSize(2).first().isEqualTo(1.0);
        // 4 of 5 words, and all pairs, triples, quadruples
        assertThat(score.value()).isEqualTo(Math.pow(4 / 5.0, 0.25), EXACT);
    }
}
