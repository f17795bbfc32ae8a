package org.lora4j.experiments.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Collectors;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.NotEmpty;
import org.junit.jupiter.api.Test;
import org.lora4j.experiments.report.InputFacts.Fact;
import org.lora4j.experiments.report.InputFacts.Piece;

class InputFactsTest {

    private final InputFacts input = new InputFacts("name : Blue Spice | Type : pub | price : £20-25 | family friendly : yes");

    @Test
    void anInputIsCutIntoKeysAndValues() {
        assertThat(input.facts()).containsExactly(new Fact("name", "Blue Spice"), new Fact("Type", "pub"),
                new Fact("price", "£20-25"), new Fact("family friendly", "yes"));
    }

    @Test
    void valuesAreFoundAsWholeWordsInAnyCase() {
        assertThat(input.pieces("blue spice, a pub; no republican. £20-25!")).filteredOn(Piece::found)
                .extracting(Piece::text).containsExactly("blue spice", "pub", "£20-25");
        assertThat(input.foundIn("A pub is a pub.")).isEqualTo(1);
    }

    @Test
    void yesAndNoAreNotLookedFor() {
        assertThat(input.size()).isEqualTo(3);
        assertThat(input.foundIn("Yes, yes.")).isZero();
    }

    @Test
    void theLongestValueIsFoundWhereOneHoldsAnother() {
        InputFacts nested = new InputFacts("name : Spice | near : Blue Spice");

        assertThat(nested.foundIn("It is near Blue Spice.")).isEqualTo(1);
        assertThat(nested.pieces("near Blue Spice")).containsExactly(new Piece("near ", false), new Piece("Blue Spice", true));
    }

    @Test
    void freeTextIsOneFactWithNothingToLookFor() {
        InputFacts free = new InputFacts("Once upon | a time");

        assertThat(free.facts()).containsExactly(new Fact("", "Once upon | a time"));
        assertThat(free.size()).isZero();
    }

    @Property
    void thePiecesTogetherAreTheText(@ForAll @NotEmpty String value, @ForAll String text) {
        InputFacts facts = new InputFacts("name : " + value);

        String whole = text + value + text;
        assertThat(facts.pieces(whole).stream().map(Piece::text).collect(Collectors.joining())).isEqualTo(whole);
    }
}
