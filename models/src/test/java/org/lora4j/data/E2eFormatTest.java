package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;

class E2eFormatTest {

    @Test
    void aMeaningRepresentationBecomesTheAuthorsLine() {
        assertThat(MeaningRepresentation.parse("name[Alimentum], area[city centre], familyFriendly[no]").context())
                .isEqualTo("name : Alimentum | area : city centre | family friendly : no");
        assertThat(MeaningRepresentation.parse("name[The Mill],eatType[pub], priceRange[£20-25], customer rating[3 out of 5]").context())
                .isEqualTo("name : The Mill | Type : pub | price : £20-25 | customer rating : 3 out of 5");
        assertThat(MeaningRepresentation.parse("name[A], near[B]").attributes()).isEqualTo(Map.of("name", "A", "near", "B"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Alimentum", "name[Alimentum", "name[Alimentum] area[riverside]", "name[A], ", ", name[A]", "name[A[B]]"})
    void whatIsNoMeaningRepresentationIsShown(String text) {
        assertThatThrownBy(() -> MeaningRepresentation.parse(text)).isInstanceOf(LoraException.class)
                .hasMessageContaining("expected a meaning representation").hasMessageEndingWith("found \"" + text + "\"");
    }

    @Test
    void anAttributeThatE2eDoesNotHaveOrThatComesTwiceIsAnError() {
        assertThatThrownBy(() -> MeaningRepresentation.parse("name[A], colour[red]"))
                .hasMessage("E2E has no attribute 'colour'; it has name, eatType, food, priceRange,"
                        + " customer rating, area, familyFriendly, near");
        assertThatThrownBy(() -> MeaningRepresentation.parse("name[A], name[B]")).hasMessageContaining("'name' is there twice");
    }

    @Test
    void aFileOfInputsAloneGivesPairsWithoutCompletion() throws IOException {
        List<TextPair> pairs = E2eFormat.readCsv("testset.csv", reader("MR\n\"name[Aromi], eatType[pub]\"\n"));
        assertThat(pairs).containsExactly(new TextPair("name : Aromi | Type : pub", ""));
        assertThat(pairs.getFirst().hasCompletion()).isFalse();
    }

    @Test
    void errorsNameTheLine() {
        assertThatThrownBy(() -> E2eFormat.readCsv("a.csv", reader("id,text\n1,2\n")))
                .hasMessage("a.csv: expected the header mr,ref (or mr alone), found id,text");
        assertThatThrownBy(() -> E2eFormat.readCsv("a.csv", reader("mr,ref\nname[A],B.\nname A,C.\nname[D],E.\n")))
                .hasMessageStartingWith("a.csv, line 3: expected a meaning representation");
        assertThatThrownBy(() -> E2eFormat.readCsv("a.csv", reader("mr,ref\nname[A],B.\n\nname[A], area[riverside],C.\n")))
                .hasMessage("a.csv, line 4: expected as many fields as the header has, 2, found 3");
        assertThatThrownBy(() -> E2eFormat.readCsv("a.csv", reader("mr,ref\nname[A],\"B.\n")))
                .isInstanceOf(LoraException.class).hasMessageStartingWith("a.csv: malformed CSV: ");
        assertThatThrownBy(() -> E2eFormat.readCsv("a.csv", reader("mr,ref\nname[A],\"B.\" C\n")))
                .isInstanceOf(LoraException.class).hasMessageStartingWith("a.csv: malformed CSV: ");
        assertThatThrownBy(() -> E2eFormat.readCsv("a.csv", reader("mr,mr\nname[A],B\n")))
                .isInstanceOf(LoraException.class);
    }

    private static Reader reader(String text) {
        return new StringReader(text);
    }
}
