package org.lora4j.experiments.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Our scores of others' outputs are those that were published for them. */
class PublishedScoresTest {

    /** Published with four digits. */
    private static final Offset<Double> FOUR_DIGITS = within(0.5e-4);

    /** Published with five digits. */
    private static final Offset<Double> FIVE_DIGITS = within(0.5e-5);

    @Test
    void bleuOfTheE2eDevOutputsIsThePublishedOne() {
        assertThat(new Bleu().score(Published.e2eDev()).value()).isEqualTo(0.7109, FOUR_DIGITS);
    }

    @Test
    void nistOfTheE2eDevOutputsIsThePublishedOne() {
        assertThat(new Nist().score(Published.e2eDev()).value()).isEqualTo(8.5236, FOUR_DIGITS);
    }

    @Test
    void bleuOfTheE2eExampleIsTheOfficialOne() {
        assertThat(new Bleu().score(Published.e2eExample()).value()).isEqualTo(0.72029, FIVE_DIGITS);
    }

    @Test
    void nistOfTheE2eExampleIsTheOneOfTheOfficialPython() {
        Nist python = new Nist(Nist.Length.MEAN_PER_SEGMENT, false);

        assertThat(python.score(Published.e2eExample()).value()).isEqualTo(7.78889, FIVE_DIGITS);
    }

    @Test
    void nistOfTheE2eExampleIsTheOneOfTheOfficialPerl() {
        assertThat(new Nist().score(Published.e2eExample()).value()).isEqualTo(7.8212, FOUR_DIGITS);
    }

    @Test
    void rougeLOfTheE2eDevOutputsIsThePublishedOne() {
        assertThat(new RougeL().score(Published.e2eDev()).value()).isEqualTo(0.7404, FOUR_DIGITS);
    }

    @Test
    void ciderOfTheE2eDevOutputsIsThePublishedOne() {
        assertThat(new Cider().score(Published.e2eDev()).value()).isEqualTo(2.4766, FOUR_DIGITS);
    }

    @Test
    void meteorWithoutParaphrasesIsLittleBelowThePublishedMeteor() {
        double published = 0.4811;

        double ours = new Meteor().score(Published.e2eDev()).value();

        // what its paraphrases add on these outputs
        assertThat(ours).isLessThan(published).isEqualTo(published, within(0.0035));
    }

    @Test
    void theFiveScoresTogetherAreThoseOfEachMetric() {
        Corpus corpus = Published.e2eExample();

        E2eScores scores = E2eScores.of(corpus.hypotheses(), corpus.references());

        assertThat(scores).isEqualTo(new E2eScores(new Bleu().score(corpus).value(), new Nist().score(corpus).value(),
                new Meteor().score(corpus).value(), new RougeL().score(corpus).value(), new Cider().score(corpus).value()));
    }
}
