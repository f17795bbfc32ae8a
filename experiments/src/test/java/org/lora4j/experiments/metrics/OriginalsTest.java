package org.lora4j.experiments.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/**
 * What the original programs make of hard texts: originals/README.md says which programs, and what the texts are. Among the
 * 200 segments are empty hypotheses, other scripts, markup, contractions, and one to five references.
 */
class OriginalsTest {

    /** The Perl script prints four digits. */
    private static final Offset<Double> FOUR_DIGITS = within(0.5e-4);

    /** The others were printed with six digits and more. */
    private static final Offset<Double> SIX_DIGITS = within(0.5e-6);

    private static final Corpus HARD = new Corpus(Published.lines("originals/hypotheses.txt"),
            TextLines.groups("references", Published.lines("originals/references.txt")));

    @Test
    void bleuAndNistAreMtevals() {
        assertThat(new Bleu().score(HARD).value()).isEqualTo(0.6256, FOUR_DIGITS);
        assertThat(new Nist().score(HARD).value()).isEqualTo(8.5278, FOUR_DIGITS);
    }

    @Test
    void rougeLAndCiderAreTheE2eScorers() {
        assertThat(new RougeL().score(HARD).value()).isEqualTo(0.686317, SIX_DIGITS);
        assertThat(new Cider().score(HARD).value()).isEqualTo(4.175290, SIX_DIGITS);
    }

    @Test
    void meteorIsMeteor15WithItsThreeModules() {
        assertThat(new Meteor().score(HARD).value()).isEqualTo(0.428581, SIX_DIGITS);
    }

    @Test
    void meteorOfTheE2eDevOutputsIsMeteor15WithItsThreeModules() {
        assertThat(new Meteor().score(Published.e2eDev()).value()).isEqualTo(0.477900, SIX_DIGITS);
    }

    @Test
    void terIsSacrebleus() {
        assertThat(new Ter().score(HARD).value()).isEqualTo(0.3767655568, SIX_DIGITS);
    }

    @Test
    void theScoresOfWebNlgAreGenerationEvals() {
        GenerationEval scores = GenerationEval.of(HARD.hypotheses(), HARD.references());

        assertThat(100 * scores.bleu()).isEqualTo(62.98, within(0.5e-2)); // two digits are printed
        assertThat(scores.meteor()).isEqualTo(0.4352308234, SIX_DIGITS);
        assertThat(scores.ter()).isEqualTo(0.3942123836, SIX_DIGITS);
    }

    @Test
    void wordsAreTheStanfordTokenizers() {
        List<String> lines = Published.lines("originals/penn-treebank-lines.txt");
        List<String> stanford = Published.lines("originals/penn-treebank-words.txt");

        List<String> ours = PennTreebankTokenizer.tokenize(lines).stream().map(words -> String.join(" ", words)).toList();

        assertThat(withoutPoints(ours)).isEqualTo(withoutPoints(stanford));
    }

    /** After an abbreviation that ends a sentence Stanford writes the point once more, which nothing here needs. */
    private static List<String> withoutPoints(List<String> lines) {
        return lines.stream().map(line -> {
            List<String> words = new ArrayList<>(List.of(line.split(" ")));
            words.removeIf(Set.of(".", "")::contains);
            return String.join(" ", words);
        }).toList();
    }
}
