package org.lora4j.experiments.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.data.DataSets;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

class E2eTest {

    @ParameterizedTest
    @CsvSource({"train, 42061, 4862", "dev, 4672, 547", "test, 4693, 630"})
    void theEmbeddedDataHasThePublishedSizes(String split, int pairs, int inputs) {
        List<TextPair> read = E2e.embedded(Split.of(split));
        assertThat(read).hasSize(pairs).allMatch(TextPair::hasCompletion);
        assertThat(TextPair.completionsByContext(read)).hasSize(inputs);
    }

    /** Line by line: contexts equal but for spaces around £ and -, texts equal but for white space. */
    @ParameterizedTest
    @CsvSource({"dev, valid.txt.gz", "test, test.txt.gz"})
    void contextsAreThoseOfTheAuthorsInTheAuthorsOrder(String split, String file) throws IOException {
        List<TextPair> ours = E2e.embedded(Split.of(split));
        List<TextPair> theirs = DataSets.read(file.replace(".gz", ""),
                new GZIPInputStream(E2eTest.class.getResourceAsStream("lora_format/" + file)));

        assertThat(ours).hasSameSizeAs(theirs);
        for (int i = 0; i < ours.size(); i++) {
            String context = ours.get(i).context().replace("£", "£ ").replace("20-25", "20 - 25");
            assertThat(context).isEqualTo(theirs.get(i).context());
            assertThat(withoutSpace(ours.get(i).completion())).isEqualTo(withoutSpace(theirs.get(i).completion()));
        }
    }

    private static String withoutSpace(String text) {
        return text.replaceAll("\\s", "");
    }
}
