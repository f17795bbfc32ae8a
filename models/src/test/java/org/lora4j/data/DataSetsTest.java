package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;

class DataSetsTest {

    private static final TextPair AROMI = new TextPair("name : Aromi | Type : pub", "Aromi is a pub.");
    private static final String CSV = "mr,ref\r\n\"name[Aromi], eatType[pub]\",Aromi is a pub.\r\n";
    private static final String JSON = "{\"context\": \"name : Aromi | Type : pub\", \"completion\": \"Aromi is a pub.\", \"id\": 7}\n";
    private static final String BARS = "name : Aromi | Type : pub||Aromi is a pub. \n";

    @TempDir
    Path folder;

    private Path write(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    private Path zip(String... namesAndContents) throws IOException {
        Path zip = folder.resolve("data.zip");
        try (OutputStream out = Files.newOutputStream(zip); ZipOutputStream entries = new ZipOutputStream(out)) {
            for (int i = 0; i < namesAndContents.length; i += 2) {
                entries.putNextEntry(new ZipEntry(namesAndContents[i]));
                entries.write(namesAndContents[i + 1].getBytes(StandardCharsets.UTF_8));
            }
        }
        return zip;
    }

    @ParameterizedTest
    @CsvSource({"data.csv, CSV", "data.jsonl, JSON", "data.txt, BARS", "csv.data, CSV", "json.data, JSON", "bars.data, BARS"})
    void everyFormatGivesThePairWhetherItsEndingIsKnownOrNot(String name, String format) throws IOException {
        String content = switch (format) {
            case "CSV" -> CSV;
            case "JSON" -> JSON;
            default -> BARS;
        };
        assertThat(DataSets.open(write(name, content), Split.TRAIN)).containsExactly(AROMI);
        assertThat(DataSets.open(write(name, "\ufeff" + content), Split.DEV)).containsExactly(AROMI); // with byte order mark
    }

    @Test
    void aFolderAndAZipHaveAFileForEachPart() throws IOException {
        write("train.jsonl", JSON + JSON);
        write("valid.txt", BARS);
        assertThat(DataSets.open(folder, Split.TRAIN)).containsExactly(AROMI, AROMI);
        assertThat(DataSets.open(folder, Split.DEV)).containsExactly(AROMI);
        assertThat(DataSets.splits(folder)).containsExactly(Split.TRAIN, Split.DEV);

        Path zip = zip("set/devset.csv", CSV, "set/testset.csv", "MR\nname[A]\n", "set/testset_w_refs.csv", CSV, "set/README.md", "");
        assertThat(DataSets.open(zip, Split.DEV)).containsExactly(AROMI);
        assertThat(DataSets.open(zip, Split.TEST)).containsExactly(AROMI);
        assertThat(DataSets.splits(zip)).containsExactly(Split.DEV, Split.TEST);
        assertThat(DataSets.splits(write("a.csv", CSV))).isEmpty();
    }

    @Test
    void aMissingPartIsAnErrorThatSaysWhatIsThere() throws IOException {
        assertThatThrownBy(() -> DataSets.open(folder, Split.DEV)).hasMessageEndingWith("found nothing");
        Path zip = zip("set/trainset.csv", CSV, "set/README.md", "");
        assertThatThrownBy(() -> DataSets.open(zip, Split.DEV)).isInstanceOf(LoraException.class)
                .hasMessage(zip + ": no dev part. Its file is called devset or dev or valid or validation and ends in .csv, .jsonl or"
                        + " .txt; found set/README.md, set/trainset.csv");
    }

    @Test
    void twoFilesForOnePartAreAnError() throws IOException {
        write("dev.csv", CSV);
        write("dev.jsonl", JSON);
        assertThatThrownBy(() -> DataSets.open(folder, Split.DEV))
                .hasMessageContaining("several files for the dev part: dev.csv, dev.jsonl");
    }

    @Test
    void errorsNameTheFileTheLineAndWhatIsThere() throws IOException {
        assertFails("gone.csv", null, "gone.csv: no such file or folder. Expected a .csv, .jsonl or .txt file");
        assertFails("a.jsonl", "", "a.jsonl: no pairs in it");
        assertFails("a.jsonl", JSON + "\n{\"context\": \"a\"}\n", "a.jsonl, line 3: expected {\"context\": \"…\", \"completion\": \"…\"}, found no completion in");
        assertFails("a.jsonl", "{\"context\": 3, \"completion\": \"a\"}", "a.jsonl, line 1: expected", "found a context that is no string");
        assertFails("a.jsonl", "{\"context", "a.jsonl, line 1: no JSON object: ");
        assertFails("a.jsonl", "3\n", "a.jsonl, line 1: expected", "found no context in 3");
        assertFails("a.txt", BARS + "one | two\n", "a.txt, line 2: expected context||completion with || once, found \"one | two\"");
        assertFails("a.txt", "a||b||c\n", "a.txt, line 1: expected context||completion with || once");
        assertFails("a.parquet", "PAR1", "a.parquet: no known data format", "it begins with \"PAR1\"");
        Files.write(folder.resolve("latin1.txt"), "caf\u00e9||text\n".getBytes(StandardCharsets.ISO_8859_1));
        assertFails("latin1.txt", null, "latin1.txt: not UTF-8 text. Save it as UTF-8");
        Files.write(folder.resolve("cut.zip"), new byte[] {'P', 'K', 3, 4, 20, 0});
        assertFails("cut.zip", null, "cut.zip: cannot be read: ");
    }

    private void assertFails(String name, String content, String... message) throws IOException {
        Path file = content == null ? folder.resolve(name) : write(name, content);
        assertThatThrownBy(() -> DataSets.open(file, Split.TRAIN)).isInstanceOf(LoraException.class)
                .message().startsWith(folder.toString()).contains(message).doesNotContain("\n");
    }

    @Test
    void partsAreCalledByTheirNamesOrTheirFilesNames() {
        assertThat(List.of("train", "Dev", "valid", "TEST")).map(Split::of)
                .containsExactly(Split.TRAIN, Split.DEV, Split.DEV, Split.TEST);
        assertThatThrownBy(() -> Split.of("trian"))
                .hasMessage("no part of a data set is called 'trian'; there are train, dev, test");
    }
}
