package org.lora4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;

class LabelledFileTest {

    private static final List<LabelledText> TWO =
            List.of(new LabelledText("It is, well, \"good\".", null, "yes"), new LabelledText("bad", null, "no"));

    @TempDir
    private Path folder;

    private static List<LabelledText> read(String name, String text) {
        return read(name, text, TextColumns.USUAL);
    }

    private static List<LabelledText> read(String name, String text, TextColumns columns) {
        return DataSets.read(name, new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), new LabelledFile(columns));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "a.jsonl|{\"text\": \"It is, well, \\\"good\\\".\", \"label\": \"yes\"}~{\"label\": \"no\", \"text\": \"bad\"}",
        "a.json|[{\"text\": \"It is, well, \\\"good\\\".\", \"label\": \"yes\"},~ {\"text\": \"bad\", \"label\": \"no\"}]~",
        "a.csv|label,text~yes,\"It is, well, \"\"good\"\".\"~~no,bad",
        "a.csv|label;text~yes;\"It is, well, \"\"good\"\".\"~no;bad~",
        "a.tsv|id#text#label~1#It is, well, \"good\".#yes~2# bad #no~",
        "a.tsv|text#label~\"It is, well, \"\"good\"\".\"#yes~bad#no",
        "a.txt|text#label~It is, well, \"good\".#yes~bad#no",
        "a|{\"text\": \"It is, well, \\\"good\\\".\", \"label\": \"yes\"}{\"label\": \"no\", \"text\": \"bad\"}",
        "a|text,label~\"It is, well, \"\"good\"\".\",yes~bad,no",
    })
    void eachFormatHasTextsAndLabelsInColumnsWithNames(String name, String text) {
        String file = text.replace('~', '\n').replace('#', '\t');

        assertThat(read(name, file)).isEqualTo(TWO);
        assertThat(read(name, "\uFEFF" + file.replace("\n", "\r\n"))).isEqualTo(TWO); // as Windows writes it
    }

    @Test
    void aFileMayBePackedByGzip() throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write("text,label\n\"It is, well, \"\"good\"\".\",yes\nbad,no\n".getBytes(StandardCharsets.UTF_8));
        }

        assertThat(DataSets.read("a.csv.gz", new ByteArrayInputStream(packed.toByteArray()), new LabelledFile(TextColumns.USUAL)))
                .isEqualTo(TWO);
    }

    @Test
    void aQuotedFieldMayHoldTabsAndLineBreaks() {
        assertThat(read("a.tsv", "text\tlabel\n\"one\ttwo\nthree\"\tyes\nbad\tno\n"))
                .extracting(LabelledText::first).containsExactly("one\ttwo\nthree", "bad");
        assertThat(read("a.tsv", "text\tlabel\n\"one\ttwo\nthree\"\tyes\nbad\tno\n"))
                .extracting(text -> text.place().number()).containsExactly(2, 4);
    }

    @Test
    void quotationMarksThatQuoteNoWholeFieldAreLetters() {
        assertThat(read("a.tsv", "text\tlabel\n\"Fairies don't exist\" - fine.\tyes\n\"so\"\tno\n"))
                .extracting(LabelledText::first).containsExactly("\"Fairies don't exist\" - fine.", "\"so\"");
    }

    @ParameterizedTest
    @CsvSource({
        "sentence1 sentence2 label, A, B", "premise hypothesis label, A, B", "question1 question2 label, A, B",
        "text text_pair label, A, B", "question sentence label, A, B", "sentence id label, A,", "text_b text_a label, B, A",
    })
    void thePairOrTextIsFoundByTheUsualNames(String header, String first, String second) {
        List<LabelledText> texts = read("a.tsv", header.replace(' ', '\t') + "\nA\tB\tyes\n");

        assertThat(texts).containsExactly(new LabelledText(first, second, "yes"));
    }

    @Test
    void columnsThatAreNamedAreTaken() {
        String file = "text,title,stars\nlong,short,4\n";

        assertThat(read("a.csv", file, new TextColumns("title", null, "stars"))).containsExactly(new LabelledText("short", null, "4"));
        assertThat(read("a.csv", file, new TextColumns("title", "text", "stars"))).containsExactly(new LabelledText("short", "long", "4"));
    }

    @Test
    void labelsAreTextsNumbersOrTruthValuesAndMayBeMissing() {
        assertThat(read("a.jsonl", "{\"text\":\"a\",\"label\":1}{\"text\":\"a\",\"label\":2.5}{\"text\":\"a\",\"label\":true}"
                + "{\"text\":\"a\",\"label\":null}{\"text\":\"a\",\"label\":\" x \"}{\"text\":\"a\"}"))
                .extracting(LabelledText::label).containsExactly("1", "2.5", "true", null, "x", null);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
        "a.csv|body,label~x,yes|a.csv: no column has a usual name for a text",
        "a.csv|text,label~x,yes,1|a.csv, line 2: expected as many fields as the header has, 2, found 3",
        "a.csv|text,label,text~x,yes,1|a.csv: two columns are called text",
        "a.csv|text,label~\"x,yes|a.csv: malformed CSV",
        "a.tsv|text#label~x|a.tsv, line 2: expected as many fields as the header has, 2, found 1",
        "a.csv|text,label|a.csv: no texts in it",
        "a.jsonl|{\"text\": 3, \"label\": 1}|a.jsonl, line 1: expected a text as text, found 3",
        "a.jsonl|{\"text\": \"a\", \"label\": [1, 2]}|a.jsonl, line 1: expected a text or a number as label, found [1,2]",
        "a.jsonl|{\"text\": \"a\"}~{\"txt\": \"a\"}|a.jsonl, line 2: expected a text as text, found no text among the keys txt",
        "a.json|[{\"text\": \"a\"}, 3]|a.json, line 1: expected {\"text\": \"…\", \"label\": \"…\"}, found '3'",
        "a.json|[{\"text\": \"a\"}|a.json, line 1: no JSON object: the file ends",
    })
    void whatIsMalformedIsNamedWithFileAndLine(String name, String text, String message) {
        assertThatThrownBy(() -> read(name, text.replace('~', '\n').replace('#', '\t'))).isInstanceOf(LoraException.class)
                .hasMessageContaining(message);
    }

    @Test
    void aColumnThatIsNotThereIsNamedWithTheNearest() {
        assertThatThrownBy(() -> read("a.csv", "text,label\nx,y\n", new TextColumns("txt", null, null))).isInstanceOf(LoraException.class)
                .hasMessageContaining("`textColumn` 'txt': there is no such column (nearest: text)");
    }

    @Test
    void aFolderHasAFileForEachPart() throws IOException {
        Files.writeString(folder.resolve("train.csv"), "text,label\na,b\nc,d\n");
        Files.writeString(folder.resolve("validation-00000-of-00002.jsonl"), "{\"text\":\"e\",\"label\":\"b\"}\n");
        Files.writeString(folder.resolve("validation-00001-of-00002.jsonl"), "{\"text\":\"f\",\"label\":\"d\"}\n");
        DataSource source = DataSource.of(folder);
        LabelledFile reader = new LabelledFile(TextColumns.USUAL);

        assertThat(source.splits(reader)).containsExactly(Split.TRAIN, Split.DEV);
        assertThat(source.open(Split.DEV, reader)).extracting(LabelledText::first).containsExactly("e", "f");
        assertThatThrownBy(() -> source.open(Split.TEST, reader)).hasMessageContaining("ends in .jsonl, .csv or .tsv");
    }

    @Test
    void whereLabelsAreNeededTheirColumnIsAskedFor() throws IOException {
        Path table = Files.writeString(folder.resolve("stars.csv"), "review,stars\ngood,5\n");
        Path lines = Files.writeString(folder.resolve("stars.jsonl"), "{\"review\": \"good\", \"stars\": 5}\n");
        LabelledFile reader = new LabelledFile(TextColumns.USUAL);
        for (Path file : List.of(table, lines)) {
            assertThat(DataSource.of(file).open(Split.TRAIN, reader)).extracting(LabelledText::label).containsOnlyNulls();
            assertThatThrownBy(() -> DataSource.of(file).open(Split.TRAIN, reader.requiringLabels())).isInstanceOf(LoraException.class)
                    .hasMessageContaining(file.getFileName().toString()).hasMessageContaining("there are review and stars")
                    .hasMessageContaining("`labelColumn`");
        }
    }

    @Test
    void textsToBeJudgedAreLinesOrTables() throws IOException {
        Path lines = Files.writeString(folder.resolve("notes.txt"), "one, \"two\"\n\n  three \n");
        Path table = Files.writeString(folder.resolve("notes.csv"), "id,text\n1,\"one, two\"\n");

        assertThat(judged(lines)).containsExactly("one, \"two\"", "  three ");
        assertThat(judged(table)).containsExactly("one, two");
        byte[] json = "{\"text\": \"x\"}".getBytes(StandardCharsets.UTF_8);
        try (TextsFile file = TextsFile.open("-", new ByteArrayInputStream(json), TextColumns.USUAL)) {
            assertThat(file.next(9, 9)).extracting(LabelledText::first).containsExactly("x");
        }
        assertThatThrownBy(() -> judged(folder.resolve("none.txt"))).isInstanceOf(LoraException.class).hasMessageContaining("none.txt");
    }

    private static List<String> judged(Path path) {
        try (TextsFile file = TextsFile.open(path.toString(), TextColumns.USUAL)) {
            List<String> texts = new ArrayList<>();
            for (List<LabelledText> some = file.next(1, 1); !some.isEmpty(); some = file.next(1, 1)) {
                assertThat(some).hasSize(1);
                texts.add(some.getFirst().first());
            }
            return texts;
        }
    }

    @Test
    void textsToBeJudgedComeAsTheyAreAskedFor() throws IOException {
        PipedOutputStream writer = new PipedOutputStream();
        // a pipe gives what it has; the rest of the first 65,536 characters may be far
        PipedInputStream pipe = new PipedInputStream(writer, 1 << 17);
        writer.write("a text of some length\n".repeat(3200).getBytes(StandardCharsets.UTF_8));
        writer.flush();
        try (TextsFile file = TextsFile.open("-", pipe, TextColumns.USUAL)) {
            assertThat(file.next(2, 1 << 20)).hasSize(2); // without an end of the pipe
            assertThat(file.next(100, 50)).hasSize(3);    // whichever of the two is enough first
            writer.close();
            assertThat(file.next(1 << 20, 1 << 20)).hasSize(3195).last().extracting(text -> text.place().number()).isEqualTo(3200);
            assertThat(file.next(1, 1)).isEmpty();
        }
    }

    @Test
    void aTableBetweenTabsIsReadTwiceAndNotKept() throws IOException {
        String quoted = "id\ttext\n1\t\"a \"\"b\"\"\tc\nd\"\n\n2\te\n";
        String plain = "id\ttext\n1\t\"Fairies don't exist\" - fine.\n2\t\"e\n";
        String ragged = "id\ttext\n1\t\"a\"\n2\n";

        assertThat(judged(Files.writeString(folder.resolve("q.tsv"), quoted))).containsExactly("a \"b\"\tc\nd", "e");
        assertThat(judged(Files.writeString(folder.resolve("p.tsv"), plain)))
                .containsExactly("\"Fairies don't exist\" - fine.", "\"e");
        assertThatThrownBy(() -> judged(Files.writeString(folder.resolve("r.tsv"), ragged)))
                .hasMessageContaining("line 3").hasMessageContaining("as many fields as the header has");
    }
}
