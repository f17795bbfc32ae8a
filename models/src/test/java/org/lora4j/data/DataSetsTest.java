package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
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
                .hasMessage(zip + ": no dev part. Its file is called devset or dev or valid or validation or val or eval or evaluation"
                        + " and ends in .csv, .jsonl or .txt; found set/README.md and set/trainset.csv");
    }

    @Test
    void twoFilesForOnePartAreAnError() throws IOException {
        write("dev.csv", CSV);
        write("dev.jsonl", JSON);
        assertThatThrownBy(() -> DataSets.open(folder, Split.DEV))
                .hasMessageContaining("several files for the dev part: dev.csv and dev.jsonl");
    }

    @Test
    void errorsNameTheFileTheLineAndWhatIsThere() throws IOException {
        assertFails("gone.csv", null, "gone.csv: no such file or folder. Expected a .jsonl, .json, .csv, .tsv or .txt file");
        assertFails("a.jsonl", "", "a.jsonl: no pairs in it");
        assertFails("a.jsonl", JSON + "\n{\"context\": \"a\"}\n", "a.jsonl, line 3: expected {\"context\": \"…\", \"completion\": \"…\"}, "
                + "found no completion among the keys context");
        assertFails("a.jsonl", "{\"context\": 3, \"completion\": \"a\"}", "a.jsonl, line 1: expected", "found context 3, which is no text");
        assertFails("a.jsonl", "{\"context\": \"a\", \"completion\": null}", "a.jsonl, line 1: expected", "found completion null, which is no text");
        assertFails("a.jsonl", "{}", "a.jsonl, line 1: expected", "found no keys");
        assertFails("a.jsonl", "{\"context", "a.jsonl, line 1: no JSON object: ");
        assertFails("a.jsonl", "3\n", "a.jsonl, line 1: expected", "found '3'");
        assertFails("a.txt", BARS + "one | two\n", "a.txt, line 2: expected context||completion with || once, found \"one | two\"");
        assertFails("a.txt", "a||b||c\n", "a.txt, line 1: expected context||completion with || once");
        assertFails("a.parquet", "PAR1", "a.parquet: is a Parquet file");
        assertFails("a.rtf", "{\\rtf1}", "a.rtf, line 1: no JSON object");
        assertFails("a.text", "nothing", "a.text: no known data format", "it begins with \"nothing\"");
        assertFails("a.text", "", "a.text: no known data format", "it is empty");
        Files.write(folder.resolve("latin1.txt"), "caf\u00e9||text\n".getBytes(StandardCharsets.ISO_8859_1));
        assertFails("latin1.txt", null, "latin1.txt: not UTF-8 text. Save it as UTF-8");
        Files.write(folder.resolve("cut.zip"), new byte[] {'P', 'K', 3, 4, 20, 0});
        assertFails("cut.zip", null, "cut.zip: cannot be read: ");
    }

    @Test
    void whatIsNoDataIsCalledWhatItIs() throws IOException {
        assertFails("a.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n", "a.jsonl: is a Git LFS pointer", "git lfs pull");
        assertFails("a.jsonl", "\n<!DOCTYPE html>\n<html>", "a.jsonl: is an HTML page", "Download the file again");
        assertFails("a.txt", "a||b\nc\0||d\n", "a.txt, line 2: has a NUL character");
        Files.write(folder.resolve("wide.txt"), BARS.getBytes(StandardCharsets.UTF_16));
        assertFails("wide.txt", null, "wide.txt: is UTF-16 text. Save it as UTF-8");
        for (String layout : List.of("{\"messages\": [{\"role\": \"user\"}]}", "{\"prompt\": \"a\", \"completion\": \"b\"}",
                "{\"instruction\": \"a\", \"input\": \"b\", \"output\": \"c\"}", "{\"text\": \"a\"}")) {
            String first = layout.substring(2, layout.indexOf('"', 2));
            assertFails("a.jsonl", layout, "expected {\"context\": \"…\", \"completion\": \"…\"}, found no context among the keys " + first);
            assertFails("a.json", "[\n" + layout + "]", "expected {\"context\": \"…\", \"completion\": \"…\"} in each line, "
                    + "found a list of objects with the keys " + first);
        }
    }

    /** Each text is what two pairs may look like; the expected ones never differ. */
    @ParameterizedTest
    @ValueSource(strings = {
        "%s\n%s\n", "%s\n%s", "%s\r\n%s\r\n", "\n\n%s\n  \n%s\n\n", "%s%s", "%s %s", "%s\t%s\n",
    })
    void pairsInJsonAreReadHoweverTheirLinesEnd(String text) throws IOException {
        String one = "{\"context\": \"a\", \"completion\": \"b\"}";
        String two = "{\"completion\": \"d\", \"id\": [1, {}],\n \"context\": \"c\"}"; // goes on in another line
        assertThat(DataSets.open(write("a.jsonl", text.formatted(one, two)), Split.TRAIN))
                .containsExactly(new TextPair("a", "b"), new TextPair("c", "d"));
        assertThat(DataSets.open(write("a", text.formatted(one, two)), Split.TRAIN)).hasSize(2);
    }

    @Test
    void nothingBehindAnObjectIsPassedOver() throws IOException {
        String one = "{\"context\": \"a\", \"completion\": \"b\"}";
        assertFails("a.jsonl", one + ", " + one, "a.jsonl, line 1: no JSON object: Unexpected character (','");
        assertFails("a.jsonl", one + "\n" + one + "}", "a.jsonl, line 2: no JSON object: ");
        assertFails("a.jsonl", one + " and more\n", "a.jsonl, line 1: no JSON object: Unrecognized token 'and'");
        assertFails("a.jsonl", one + "\n\"text\"\n", "a.jsonl, line 2: expected", "found 'text'");
        assertFails("a.jsonl", one + "\nnull\n", "a.jsonl, line 2: expected", "found 'null'");
        assertFails("a.jsonl", one + "\n{\"context\": \"a\", \"comp", "a.jsonl, line 2: no JSON object: the file ends in the middle");
        assertFails("a.jsonl", one + "\n{\"context\": \"a\", \"comp\n" + one, "a.jsonl, line 2: no JSON object: the line ends in the middle");
        assertFails("a.jsonl", "{\"context\": \"a\r\nb\", \"completion\": \"c\"}", "a.jsonl, line 1: no JSON object: the line ends in the middle");
        assertFails("a.jsonl", "{\"context\": \"a\", \"context\": \"b\", \"completion\": \"c\"}", "line 1", "Duplicate field 'context'");
    }

    @Test
    void jsonSaysToTheLastSpaceWhatItMeansAndTheOtherFormatsDoNot() throws IOException {
        String odd = " \u00a0\u2028x\u0085\u2029 ";
        assertThat(DataSets.open(write("a.jsonl", "{\"context\": \"" + odd + "\", \"completion\": \"        return x\\n\"}\n"), Split.TRAIN))
                .containsExactly(new TextPair(odd, "        return x\n"));
        assertThat(DataSets.open(write("a.txt", " a \t|| b \n"), Split.TRAIN)).containsExactly(new TextPair("a", "b"));
        assertThat(DataSets.open(write("a.csv", "mr,ref\nname[X],\" X is \"\n"), Split.TRAIN)).containsExactly(new TextPair("name : X", "X is"));
    }

    @Test
    void aLineMayHaveTenMegabytes() throws IOException {
        String text = "word ".repeat(2 << 20);
        assertThat(DataSets.open(write("a.jsonl", "{\"context\": \"a\", \"completion\": \"" + text + "\"}\n" + JSON), Split.TRAIN))
                .containsExactly(new TextPair("a", text), AROMI);
    }

    @Test
    void aPairKnowsItsPlace() throws IOException {
        assertThat(DataSets.open(write("a.jsonl", "\n" + JSON + "\n" + JSON), Split.TRAIN)).extracting(pair -> pair.place().toString())
                .containsExactly(folder.resolve("a.jsonl") + ", line 2", folder.resolve("a.jsonl") + ", line 4");
        assertThat(DataSets.open(write("a.txt", BARS + BARS), Split.TRAIN).getLast().place().number()).isEqualTo(2);
        assertThat(DataSets.open(write("a.csv", CSV), Split.TRAIN).getFirst().place().number()).isEqualTo(2);
        Place one = new Place("a", 1);
        assertThat(Place.some(List.of(one, new Place("b", 2), new Place("a", 3)))).isEqualTo("a, lines 1, 3; b, line 2");
        assertThat(Place.some(List.of(one, one, one, one, one, one, one))).isEqualTo("a, lines 1, 1, 1, 1, 1 and 2 more");
    }

    @Test
    void filesMayBePackedByGzip() throws IOException {
        for (String name : List.of("a.jsonl.gz", "train.jsonl.GZ", "unnamed")) {
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve(name)))) {
                out.write(("\ufeff" + JSON).getBytes(StandardCharsets.UTF_8));
            }
            assertThat(DataSets.open(folder.resolve(name), Split.TRAIN)).containsExactly(AROMI);
        }
        assertThat(DataSets.open(folder, Split.TRAIN)).containsExactly(AROMI);
        byte[] whole = Files.readAllBytes(folder.resolve("a.jsonl.gz"));
        Files.write(folder.resolve("cut.jsonl.gz"), Arrays.copyOf(whole, whole.length - 12));
        assertFails("cut.jsonl.gz", null, "cut.jsonl.gz: cannot be read: it is cut off");
    }

    @ParameterizedTest
    @ValueSource(strings = {"dev", "valid", "validation", "val", "eval", "Evaluation", "devset", "eval-00000-of-00001", "validation-00000-of-00001"})
    void theDevPartHasTheNamesThatPeopleGiveIt(String name) throws IOException {
        write("train.jsonl", JSON);
        write(name + ".jsonl", JSON + JSON);
        assertThat(DataSets.splits(folder)).containsExactly(Split.TRAIN, Split.DEV);
        assertThat(DataSets.open(folder, Split.DEV)).hasSize(2);
    }

    @Test
    void aPartMayLieInSeveralFilesIfAllAreThere() throws IOException {
        write("train-00001-of-00002.jsonl", JSON);
        assertThatThrownBy(() -> DataSets.open(folder, Split.TRAIN)).isInstanceOf(LoraException.class)
                .hasMessageContaining("train-00001-of-00002.jsonl is one of 00002 files, numbered from 00000, and 1 is there");
        write("train-00000-of-00002.jsonl", "{\"context\": \"a\", \"completion\": \"b\"}");
        assertThat(DataSets.open(folder, Split.TRAIN)).containsExactly(new TextPair("a", "b"), AROMI);
        assertThat(DataSets.splits(folder)).containsExactly(Split.TRAIN);
        write("train-00000-of-00001.jsonl", JSON);
        assertThatThrownBy(() -> DataSets.open(folder, Split.TRAIN)).hasMessageContaining("several files for the train part");
    }

    @Test
    void aStreamIsReadOnceAndRecognisedByItsContent() throws IOException {
        for (String content : List.of(JSON, CSV, BARS)) {
            DataSource source = DataSource.of("/dev/fd/63", new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)));
            assertThat(source.splits()).isEmpty();
            assertThat(source.open(Split.TRAIN)).containsExactly(AROMI);
            assertThat(source.open(Split.DEV)).containsExactly(AROMI);
        }
        byte[] zip = Files.readAllBytes(zip("train.jsonl", JSON, "dev.jsonl", JSON));
        assertThat(DataSource.of("pipe", new ByteArrayInputStream(zip)).splits()).containsExactly(Split.TRAIN, Split.DEV);
        assertThatThrownBy(() -> DataSource.of("pipe", new ByteArrayInputStream(Arrays.copyOf(zip, zip.length - 30))))
                .isInstanceOf(LoraException.class).hasMessage("pipe: cannot be read: it is cut off");
    }

    @Test
    void whatMayNotBeReadSaysWhy() {
        InputStream denied = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new AccessDeniedException("a.jsonl");
            }
        };
        assertThatThrownBy(() -> DataSets.read("a.jsonl", denied)).isInstanceOf(LoraException.class)
                .hasMessage("a.jsonl: cannot be read: permission denied; choose a place you may use, or change its permissions");
    }

    private void assertFails(String name, String content, String... message) throws IOException {
        Path file = content == null ? folder.resolve(name) : write(name, content);
        assertThatThrownBy(() -> DataSets.open(file, Split.TRAIN)).isInstanceOf(LoraException.class)
                .message().startsWith(folder.toString()).contains(message).doesNotContain("\n");
    }

    @Test
    void partsAreCalledByTheirNamesOrTheirFilesNames() {
        assertThat(List.of("train", "Dev", "valid", "eval", "TEST")).map(Split::of)
                .containsExactly(Split.TRAIN, Split.DEV, Split.DEV, Split.DEV, Split.TEST);
        assertThatThrownBy(() -> Split.of("trian"))
                .hasMessage("no part of a data set is called 'trian'; there are train, dev, test");
    }
}
