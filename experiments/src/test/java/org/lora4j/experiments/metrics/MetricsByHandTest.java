package org.lora4j.experiments.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.lora4j.LoraException;

/** Small cases worked by hand, or in the papers. */
class MetricsByHandTest {

    private static final Offset<Double> EXACT = within(1e-12);

    private static Corpus one(String hypothesis, String... references) {
        return new Corpus(List.of(hypothesis), List.of(List.of(references)));
    }

    @Test
    void nistWeighsAWordByHowRareItIsInTheReferences() {
        // a: 2 of 3 words, b: 1 of 3; "a b": one of two a's goes on with b, "a a" the other
        double information = (Math.log(3 / 2.0) + Math.log(3)) / Math.log(2) / 2 + 1;
        double penalty = Math.exp(-Math.log(2) * Math.pow(Math.log(2 / 3.0) / Math.log(1.5), 2));

        assertThat(new Nist().score(one("a b", "a a b")).value()).isEqualTo(information * penalty, EXACT);
        assertThat(penalty).as("two thirds of the length").isEqualTo(0.5, EXACT);
    }

    @Test
    void nistTakesASingle0ForNoContextAsPerlDoes() {
        // "0 a" is measured against all 3 words, not against the two zeros: log2(3/1) instead of log2(2/1)
        double words = (Math.log(3 / 2.0) + Math.log(3)) / Math.log(2) / 2;
        double pair = Math.log(3) / Math.log(2);

        assertThat(new Nist().score(one("0 a 0", "0 a 0")).value()).isGreaterThan(0);
        assertThat(new Nist().score(one("0 a", "0 a 0")).value())
                .isEqualTo((words + pair) * Math.exp(-Math.log(2) * Math.pow(Math.log(2 / 3.0) / Math.log(1.5), 2)), EXACT);
    }

    @Test
    void nistOfNothingIs0() {
        assertThat(new Nist().score(one("", "a b")).value()).isZero();
    }

    @Test
    void rougeLTakesPrecisionAndRecallFromTheLongestCommonSubsequence() {
        // Lin's example: "police killer": 3 of 4 words of "police kill the gunman" in order, of 4 of the reference
        double f = new RougeL().score(one("police kill the gunman", "police killed the gunman")).value();

        assertThat(f).isEqualTo(0.75, EXACT);
    }

    @Test
    void rougeLMayTakeThemFromDifferentReferences() {
        // precision 1 by the long reference, recall 1 by the short one
        assertThat(new RougeL().score(one("a b", "a b c d", "a")).value()).isEqualTo(1, EXACT);
    }

    @Test
    void ciderOfAPerfectCorpusIs10ForEachLengthThatIsThere() {
        List<String> texts = List.of("a b c d", "e f g h");

        assertThat(new Cider().score(Corpus.ofSingle(texts, texts)).value()).isEqualTo(10, EXACT);
    }

    @Test
    void ciderCountsWordsThatAllSegmentsHaveAsNothing() {
        Corpus corpus = Corpus.ofSingle(List.of("the", "the"), List.of("the", "the"));

        assertThat(new Cider().score(corpus).value()).isZero();
    }

    @Test
    void meteorKnowsStemsAndSynonyms() {
        assertThat(new Meteor().score(one("cars", "cars")).value()).isEqualTo(1);
        assertThat(new Meteor().score(one("automobile", "car")).value()).isEqualTo(0.8, EXACT);
        assertThat(new Meteor().score(one("relational", "relate")).value()).isEqualTo(0.6, EXACT);
        assertThat(new Meteor().score(one("restaurant", "car")).value()).isZero();
    }

    @Test
    void meteorLeavesOutAMatchOfTwoKindsAsMeteor15Does() {
        // the same stem, and a meaning in common: the search weighs both as nothing, and a chunk less wins
        assertThat(new Meteor().score(one("cars", "car")).value()).isZero();
    }

    @Test
    void meteorPunishesOrderByChunks() {
        // 4 chunks of 4 words: 1 - 0.6·1
        assertThat(new Meteor().score(one("gamma delta beta alpha", "alpha beta delta gamma")).value()).isEqualTo(0.4, EXACT);
    }

    @Test
    void terCountsAShiftOnce() {
        // Snover et al.'s example: one shift, two substitutions, one insertion in 13 words
        Corpus corpus = one("THIS WEEK THE SAUDIS denied information published in the new york times",
                "SAUDI ARABIA denied THIS WEEK information published in the AMERICAN new york times");

        assertThat(new Ter().score(corpus).value()).isEqualTo(4 / 13.0, EXACT);
    }

    @Test
    void terTakesTheReferenceThatNeedsLeastAndTheirMeanLength() {
        assertThat(new Ter().score(one("a b c", "a b c d", "x y z w v u")).value()).isEqualTo(1 / 5.0, EXACT);
        assertThat(new Ter().score(one("a b", "")).value()).isEqualTo(1);
        assertThat(new Ter().score(one("", "")).value()).isZero();
    }

    @Test
    void aCorpusRefusesWhatDoesNotFit() {
        assertThatThrownBy(() -> new Corpus(List.of("a"), List.of())).isInstanceOf(LoraException.class)
                .hasMessageContaining("1 hypotheses").hasMessageContaining("0 segments");
        assertThatThrownBy(() -> new Corpus(List.of("a", "b"), List.of(List.of("a"), List.of())))
                .isInstanceOf(LoraException.class).hasMessageContaining("segment 2 has no reference");
        assertThatThrownBy(() -> new Corpus(List.of(), List.of())).isInstanceOf(LoraException.class).hasMessageContaining("nothing");
    }
}
