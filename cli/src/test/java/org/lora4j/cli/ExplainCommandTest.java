package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.io.Safetensors;

/** {@code explain} on what {@code train} made. */
class ExplainCommandTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    private static Run good(String... args) {
        Run run = Run.of(args);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return run;
    }

    private String page() {
        return folder.resolve("page.html").toString();
    }

    /** @param bias the bias mode of what is trained */
    private String[] trained(String bias) throws IOException {
        Path model = folder.resolve("model");
        if (!Files.exists(model)) {
            TinyModel.write(model);
        }
        Path data = folder.resolve("pairs.jsonl");
        Files.write(data, (Iterable<String>) IntStream.range(0, 8).mapToObj(i -> "{\"prompt\": \"name : a" + i
                + "\", \"completion\": \"the pub a" + i + " is good\"}")::iterator);
        String adapter = folder.resolve("adapter-" + bias).toString();
        good("train", "--model", model.toString(), "--data", data.toString(), "--out", adapter, "-q", "--steps", "12", "--batch", "4", "--lr", "3e-2",
                "--rank", "2", "--alpha", "4", "--targets", "q,v", "--bias", bias);
        return new String[] {model.toString(), adapter};
    }

    @Test
    void theStepsOfAllLayersAreTheWholeChange() throws IOException {
        for (String bias : List.of("none", "all")) {
            String[] made = trained(bias);
            JsonNode json = JSON.readTree(good("explain", "--model", made[0], "--adapter", made[1], "--prompt", "name : a1", "--completion",
                    "the pub", "--top", "2", "--json", "--out", page()).out());
            assertThat(json.path("kind").textValue()).isEqualTo("language");
            List<String> names = json.path("layers").findValuesAsText("name");
            assertThat(names).containsExactlyElementsOf(bias.equals("none") ? List.of("layer 0", "layer 1")
                    : List.of("trained as a whole", "layer 0", "layer 1"));
            int positions = json.path("tokens").size();
            for (int t = 0; t + 1 < positions; t++) {
                double change = 0;
                for (JsonNode layer : json.path("layers")) {
                    change += layer.path("change_per_token").get(t).doubleValue();
                }
                JsonNode token = json.path("tokens").get(t);
                assertThat(change).isCloseTo(token.at("/adapted/log_probability").doubleValue()
                        - token.at("/base/log_probability").doubleValue(), offset(1e-9));
                assertThat(token.path("next_id")).isEqualTo(json.path("tokens").get(t + 1).path("id"));
                assertThat(token.at("/adapted/top")).hasSize(2);
                assertThat(token.at("/base/rank").intValue()).isBetween(1, TinyModel.VOCABULARY);
            }
            assertThat(json.at("/tokens/" + (positions - 1) + "/next_id").isNull()).isTrue();
            assertThat(json.path("adapted_log_probability").doubleValue()).isGreaterThan(json.path("base_log_probability").doubleValue());
            assertThat(JSON.readTree(folder.resolve("page.json").toFile())).isEqualTo(json);
        }
    }

    /** The base's side is what {@code trace} says of the base, and the adapted one what it says with the adapter. */
    @Test
    void bothSidesAreTheModels() throws IOException {
        String[] made = trained("none");
        JsonNode json = JSON.readTree(good("explain", "--model", made[0], "--adapter", made[1], "--prompt", "name : a1", "--json", "--out", page()).out());
        long[] ids = IntStream.range(0, json.path("tokens").size()).mapToLong(t -> json.path("tokens").get(t).path("id").longValue()).toArray();
        Path batch = TinyModel.batch(folder.resolve("batch.safetensors"), ids);
        for (boolean adapted : new boolean[] {false, true}) {
            Path traced = folder.resolve("traced.safetensors");
            List<String> command = new ArrayList<>(List.of("trace", "--model", made[0], "--batch", batch.toString(), "--out",
                    traced.toString()));
            command.addAll(adapted ? List.of("--adapter", made[1]) : List.of());
            good(command.toArray(String[]::new));
            try (Safetensors tensors = Safetensors.open(traced)) {
                double loss = tensors.doubles("loss")[0];
                assertThat(-json.path(adapted ? "adapted_log_probability" : "base_log_probability").doubleValue()).isCloseTo(loss, offset(1e-5));
            }
        }
    }

    @Test
    void aClassifiersLabelsAreExplainedUnderItsHead() throws IOException {
        String bert = TinyBert.write(folder.resolve("bert")).toString();
        String adapter = folder.resolve("adapter").toString();
        Path texts = folder.resolve("texts.jsonl");
        Files.write(texts, (Iterable<String>) IntStream.range(0, 12).mapToObj(i -> "{\"text\": \"the film was "
                + List.of("good", "bad").get(i % 2) + "\", \"label\": \"" + List.of("up", "down").get(i % 2) + "\"}")::iterator);
        good("train", "--task", "classification", "--model", bert, "--data", texts.toString(), "--out", adapter, "-q", "--steps", "20",
                "--batch", "6", "--lr", "1e-2", "--rank", "2", "--alpha", "4", "--targets", "query,value");
        JsonNode json = JSON.readTree(good("explain", "--model", bert, "--adapter", adapter, "--prompt", "the film was good", "--json",
                "--out", page()).out());
        JsonNode said = JSON.readTree(good("predict", "--model", bert, "--adapter", adapter, "--text", "the film was good").out());
        assertThat(json.path("kind").textValue()).isEqualTo("classification");
        for (JsonNode label : json.path("labels")) {
            assertThat(label.path("adapted_probability").doubleValue()).isCloseTo(
                    said.at("/probabilities/" + label.path("label").textValue()).doubleValue(), offset(1e-6));
        }
        assertThat(json.path("layers").findValuesAsText("name")).containsExactly("layer 0", "layer 1");
        assertThat(json.at("/layers/1/probabilities")).hasSize(2);
        assertThat(Files.readString(Path.of(page()))).contains("<h2 id=\"labels\">Labels</h2>").doesNotContain("Token by token", "<script");
        assertThat(Run.of("explain", "--model", bert, "--adapter", adapter, "--prompt", "a", "--completion", "b", "--out", page()).err())
                .contains("--completion");
    }

    @Test
    void aPageEscapesWhatATextHolds() throws IOException {
        String[] made = trained("none");
        Run run = good("explain", "--model", made[0], "--adapter", made[1], "--prompt", "<script>alert(1)</script>\n\u001b[31m", "--out", page());
        assertThat(Files.readString(Path.of(page()))).doesNotContain("<script");
        assertThat(run.out()).doesNotContain("\u001b");
    }
}
