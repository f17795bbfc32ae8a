package org.lora4j.experiments.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;

/** WebNLG and DART, in tiny files of their layout. */
class TriplesTest {

    private static final String WEBNLG = """
            {"entries": [
              {"1": {"category": "Airport", "size": "2", "modifiedtripleset": [
                  {"subject": "Aarhus", "property": "leaderName", "object": "Jacob_Bundsgaard"},
                  {"subject": "Aarhus_Airport", "property": "cityServed", "object": "Aarhus"}],
                "lexicalisations": [
                  {"comment": "good", "lang": "", "lex": "Jacob Bundsgaard leads Aarhus.", "xml_id": "Id1"},
                  {"comment": "toFix", "lang": "", "lex": "Bad.", "xml_id": "Id2"},
                  {"comment": "good", "lang": "", "lex": "Aarhus is led by him.", "xml_id": "Id3"}]}},
              {"2": {"category": "Politician", "modifiedtripleset": [{"subject": "A", "property": "knows", "object": "B"}],
                "lexicalisations": [{"comment": "good", "lex": "A knows B."}]}}]}
            """;
    private static final String DART = """
            [{"tripleset": [["Mars Hill College", "JOINED", "1973"], ["Mars Hill College", "LOCATION", "Mars Hill, NC"]],
              "subtree_was_extended": true,
              "annotations": [{"source": "WikiSQL", "text": "A school that joined in 1973."}, {"source": "x", "text": "It joined."}]}]
            """;
    private static final String AARHUS = "Aarhus : leaderName : Jacob_Bundsgaard | Aarhus_Airport : cityServed : Aarhus";

    @TempDir
    Path folder;

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }

    private DataName named(String prefix) {
        return DataName.of(prefix + folder);
    }

    @Test
    void webNlgGivesAPairForEachGoodText() throws IOException {
        write("test.json", WEBNLG);

        assertThat(named("webnlg:").open(Split.TEST)).containsExactly(
                new TextPair(AARHUS, "Jacob Bundsgaard leads Aarhus."), new TextPair(AARHUS, "Aarhus is led by him."),
                new TextPair("A : knows : B", "A knows B."));
    }

    @Test
    void categoriesOfTrainingAreSeenAndOthersUnseen() throws IOException {
        write("test.json", WEBNLG);

        assertThat(named("webnlg-seen:").open(Split.TEST)).extracting(TextPair::context).containsOnly(AARHUS);
        assertThat(named("webnlg-unseen:").open(Split.TEST)).extracting(TextPair::context).containsOnly("A : knows : B");
    }

    @Test
    void dartsRelationsAreInSmallLetters() throws IOException {
        write("dart-v1.1.1-full-train.json", DART);

        List<TextPair> pairs = named("dart:").open(Split.TRAIN);

        String context = "Mars Hill College : joined : 1973 | Mars Hill College : location : Mars Hill, NC";
        assertThat(pairs).containsExactly(new TextPair(context, "A school that joined in 1973."), new TextPair(context, "It joined."));
        assertThat(TextPair.completionsByContext(pairs)).hasSize(1);
    }

    @Test
    void onlyPartsWithAFileAreThere() throws IOException {
        write("dart-v1.1.1-full-train.json", DART);

        assertThat(named("dart:").has(Split.TRAIN)).isTrue();
        assertThat(named("dart:").has(Split.DEV)).isFalse();
        assertThatThrownBy(() -> named("dart:").open(Split.DEV)).isInstanceOf(LoraException.class)
                .hasMessageContaining("no dev part of DART").hasMessageContaining("dart-v1.1.1-full-dev.json");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "webnlg: ; {\"entries\": [{\"1\": {\"modifiedtripleset\": []}}]} ; entry 1, \"category\"",
        "webnlg: ; {\"entries\": [{\"1\": {\"category\": \"City\", \"modifiedtripleset\": [{\"subject\": 1}]}}]} ; entry 1, \"subject\"",
        "webnlg: ; {\"items\": []}                                               ; expected a list as in WebNLG, found nothing",
        "webnlg: ; {\"entries\": []}                                             ; no texts of all categories",
        "webnlg-unseen: ; {\"entries\": []}                                      ; WebNLG has them in its test part alone",
        "webnlg: ; {                                                             ; not JSON",
        "webnlg: ; {\"entries\": []} {\"entries\": []}                           ; line 1: not JSON: Trailing token",
        "dart:   ; [] ,                                                          ; line 1: not JSON",
        "dart:   ; version https://git-lfs.github.com/spec/v1                    ; is a Git LFS pointer",
        "dart:   ; {}                                                            ; expected a list as in DART",
        "dart:   ; [{\"tripleset\": [[\"a\", \"b\"]], \"annotations\": []}]      ; expected subject, relation and object",
        "dart:   ; []                                                            ; expected texts as in DART"})
    void whatIsNotAsExpectedIsSaidWithItsPlace(String prefix, String content, String says) throws IOException {
        write("dev.json", content);

        assertThatThrownBy(() -> named(prefix).open(Split.DEV)).isInstanceOf(LoraException.class)
                .hasMessageContaining(folder.toString()).hasMessageContaining(says);
    }

    @Test
    void aFolderThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> DataName.of("webnlg:no-such-folder").open(Split.TEST)).isInstanceOf(LoraException.class)
                .hasMessageContaining("no-such-folder: no such folder").hasMessageContaining("WebNLG's test.json");
        assertThat(DataName.of("webnlg:no-such-folder").has(Split.TEST)).isFalse();
    }

    @Test
    void otherNamesAreTheEmbeddedE2eAndPaths() throws IOException {
        write("pairs.txt", "a||b\n");

        assertThat(DataName.of("e2e").open(Split.DEV)).hasSize(4672);
        assertThat(DataName.of(folder.resolve("pairs.txt").toString()).open(Split.TEST)).containsExactly(new TextPair("a", "b"));
        assertThat(DataName.of("e2e").isOfTriples()).isFalse();
        assertThat(DataName.of("dart:x").isOfTriples()).isTrue();
    }
}
