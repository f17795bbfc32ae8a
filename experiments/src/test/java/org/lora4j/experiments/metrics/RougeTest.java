package org.lora4j.experiments.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.common.io.Resources;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RougeTest {

    /** Word and stem in a line, by NLTK 3.10.3. */
    @Test
    void stemsAreNltks() throws IOException {
        List<String> lines = Resources.readLines(Resources.getResource(RougeTest.class, "porter-stems.txt"), StandardCharsets.UTF_8);

        assertThat(lines).hasSizeGreaterThan(1500)
                .allSatisfy(line -> assertThat(line.split(" ")[0] + " " + PorterStemmer.stem(line.split(" ")[0])).isEqualTo(line));
    }

    /** As rouge_score's rules give them with NLTK's stems. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "Amanda baked cookies and will bring Jerry some tomorrow. | Amanda has baked cookies; she will bring some to Jerry tomorrow. | 0.8 | 0.2222222222 | 0.7",
        "The cat was running quickly | A dog ran | 0 | 0 | 0",
        "'' | something | 0 | 0 | 0",
        "... | !!! | 0 | 0 | 0",
        "Hannah's looking for Betty's number but Amanda doesn't have it. She needs to contact Larry. | Hannah needs Betty's number but Amanda doesn't have it. She needs to contact Larry. | 0.8823529412 | 0.8125 | 0.8823529412",
        "one | one | 1 | 0 | 1",
        "one two | two one | 1 | 0 | 0.5",
        "Café costs €12.50 at 7pm | cafe cost 12 50 at 7 pm | 0.6153846154 | 0.5454545455 | 0.6153846154",
        "the the the the | the the | 0.6666666667 | 0.5 | 0.6666666667",
    })
    void scoresAreRougeScores(String hypothesis, String reference, double one, double two, double longest) {
        Corpus corpus = Corpus.ofSingle(List.of(hypothesis), List.of(reference));

        assertThat(List.of(Rouge.ONE, Rouge.TWO, Rouge.LONGEST).stream().map(rouge -> rouge.score(corpus).value()))
                .satisfiesExactly(score -> assertThat(score).isCloseTo(one, within(1e-9)), score -> assertThat(score).isCloseTo(two, within(1e-9)),
                        score -> assertThat(score).isCloseTo(longest, within(1e-9)));
    }

    @Test
    void theNearestOfSeveralReferencesCountsAndSegmentsAreAveraged() {
        Corpus corpus = new Corpus(List.of("a b c", "x"), List.of(List.of("q", "a b c"), List.of("y")));

        assertThat(Rouge.ONE.score(corpus).value()).isEqualTo(0.5);
    }
}
