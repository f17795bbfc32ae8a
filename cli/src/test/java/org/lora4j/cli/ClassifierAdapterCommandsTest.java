package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.StoredAdapter;

/** An adapter that {@code train --task} made, with its head, in the commands that read adapters. */
class ClassifierAdapterCommandsTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;
    private String bert;
    private String adapter;
    private String texts;

    @BeforeEach
    void train() throws IOException {
        bert = TinyBert.write(folder.resolve("bert")).toString();
        adapter = folder.resolve("adapter").toString();
        texts = folder.resolve("texts.jsonl").toString();
        Files.write(Path.of(texts), (Iterable<String>) IntStream.range(0, 12).mapToObj(i -> "{\"text\": \"the film was "
                + List.of("good", "bad", "so so").get(i % 3) + "\", \"label\": \"" + List.of("up", "down", "neither").get(i % 3) + "\"}")::iterator);
        Run run = Run.of("train", "--task", "classification", "--model", bert, "--data", texts, "--out", adapter, "-q", "--steps", "20",
                "--batch", "6", "--lr", "1e-2", "--rank", "2", "--alpha", "4", "--targets", "query,value");
        assertThat(run.exitCode()).as(run.err()).isZero();
    }

    @Test
    void inspectNamesTheHeadAndItsLabels() throws IOException {
        assertThat(good("inspect", adapter).out()).contains("task      SEQ_CLS, with a head for 3 labels (down, neither and up)");
        JsonNode json = JSON.readTree(good("inspect", adapter, "--json").out());
        assertThat(json.at("/head/labels").intValue()).isEqualTo(3);
        assertThat(json.at("/head/names").toString()).isEqualTo("[\"down\",\"neither\",\"up\"]");
        assertThat(json.path("modules_to_save").toString()).isEqualTo("[\"classifier\",\"score\"]");
    }

    @Test
    void mergedItPredictsWhatBaseAndAdapterDo() throws IOException {
        String merged = folder.resolve("merged").toString();
        Run run = good("merge", "--model", bert, "--adapter", adapter, "--out", merged, "--prompt", "the film was good", "--prompt", "bad");
        assertThat(run.out()).contains("scores    changed by at most", "same label for 100.0 % of 2 sequences");
        JsonNode config = JSON.readTree(Path.of(merged, "config.json").toFile());
        assertThat(config.path("architectures").toString()).isEqualTo("[\"BertForSequenceClassification\"]");
        assertThat(config.at("/id2label/1").textValue()).isEqualTo("neither");
        assertThat(config.at("/label2id/up").intValue()).isEqualTo(2);
        List<JsonNode> expected = predictions("--model", bert, "--adapter", adapter);
        List<JsonNode> found = predictions("--model", merged);
        assertThat(found).hasSize(12);
        for (int i = 0; i < 12; i++) {
            assertThat(found.get(i).path("label")).isEqualTo(expected.get(i).path("label"));
        }
    }

    @Test
    void byWayOfLoralibItPredictsTheSame() throws IOException {
        String file = folder.resolve("adapter.pt").toString();
        String again = folder.resolve("again").toString();
        good("convert", adapter, "--out", file);
        good("convert", file, "--alpha", "4", "--out", again);
        List<JsonNode> expected = predictions("--model", bert, "--adapter", adapter);
        List<JsonNode> found = predictions("--model", bert, "--adapter", again);
        for (int i = 0; i < 12; i++) { // a loralib file has no names of labels
            assertThat(found.get(i).path("label").textValue()).isEqualTo("LABEL_" + List.of("down", "neither", "up").indexOf(
                    expected.get(i).path("label").textValue()));
        }
    }

    @Test
    void compareAndDoctorTakeClassifiers() {
        assertThat(good("compare", "--model", bert, "--adapter", adapter, "--text", "the film was good", "--steps", "1",
                "--out", folder.resolve("page.html").toString(), "-q").out()).contains("within its bound everywhere");
        assertThat(good("compare", "--model", bert, "--random", "3x5", "--steps", "1", "--out", folder.resolve("page.html").toString())
                .out()).contains("within its bound everywhere");
        assertThat(good("doctor", "--model", bert, "--length", "16").out()).contains("fits: needs");
    }

    @Test
    void withoutItsHeadItIsRefusedInsteadOfPredictingNoise() throws IOException {
        StoredAdapter stored = AdapterFiles.read(Path.of(adapter), null);
        AdapterFiles.write(new StoredAdapter(stored.path(), stored.config().with("task_type", null).with("modules_to_save", null),
                stored.tensors().stream().filter(tensor -> !tensor.name().contains("classifier")).toList(), Map.of()),
                AdapterFormat.PEFT, Path.of(adapter), new ArrayList<>());
        for (Run run : List.of(Run.of("predict", "--model", bert, "--adapter", adapter, "--text", "the film was good"),
                Run.of("evaluate", "--model", bert, "--adapter", adapter, "--task", "classification", "--data", texts))) {
            assertThat(run.exitCode()).isOne();
            assertThat(run.err()).contains("holds no classification head (classifier), and neither does the base", "noise");
        }
    }

    private List<JsonNode> predictions(String... model) throws IOException {
        List<String> line = new ArrayList<>(List.of("predict", "--data", texts));
        line.addAll(List.of(model));
        List<JsonNode> lines = new ArrayList<>();
        for (String text : good(line.toArray(String[]::new)).out().lines().toList()) {
            lines.add(JSON.readTree(text));
        }
        return lines;
    }

    private static Run good(String... line) {
        Run run = Run.of(line);
        assertThat(run.exitCode()).as(String.join(" ", line) + ": " + run.err()).isZero();
        return run;
    }
}
