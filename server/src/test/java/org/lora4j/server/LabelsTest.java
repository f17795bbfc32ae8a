package org.lora4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.LabelledText;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.nn.Parameter;
import org.lora4j.task.Predictions;
import org.lora4j.task.TextClassifier;
import org.lora4j.tensor.Philox;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** A classifier answers as {@code predict} does, each adapter by its own head and words. */
class LabelsTest {

    @TempDir
    private static Path folder;
    private static Backend backend;
    private static LoraServer server;

    private static SequenceClassifier model(Backend on, List<String> labels) {
        return Families.classifier(EmbeddedBase.folder(), on, ClassifierHead.of(labels), BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
    }

    /** A random adapter with a random head. */
    private static Path adapter(String name, List<String> labels) {
        try (Backend on = Served.backend()) {
            LoraAdapter adapter = LoraAdapter.attach(model(on, labels), LoraConfig.of(4, 8).withParts("q", "v"), 1);
            for (Parameter parameter : adapter.trainable()) {
                float[] values = new float[(int) parameter.size()];
                new Philox(5).fillNormal(values, 0.1, 0, Philox.site(name + parameter.name()));
                on.upload(values, parameter.value());
            }
            PeftFormat.save(adapter, folder.resolve(name), "base-6m", Map.of());
        }
        return folder.resolve(name);
    }

    @BeforeAll
    static void serve() {
        Path mood = adapter("mood", List.of("sad", "glad"));
        adapter("kind", List.of("verse", "prose"));
        adapter("three", List.of("a", "b", "c"));
        backend = Served.backend();
        server = LoraServer.labels("base-6m", EmbeddedBase.folder(), model(backend, List.of("sad", "glad")),
                ServerSettings.defaults().withAddress("127.0.0.1", 0).withAdaptersFolder(folder, false).withMaxAdapters(1));
        server.load("mood", mood);
        server.start();
    }

    @AfterAll
    static void end() {
        server.close();
        backend.close();
    }

    private static HttpResponse<String> post(String path, String json) {
        try {
            return HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(server.url()).resolve(path))
                    .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(json)).build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Predictions alone(String name, String text) {
        try (Backend on = Served.backend()) {
            return TextClassifier.load(EmbeddedBase.folder(), folder.resolve(name), on)
                    .judge(List.of(new LabelledText(text, null, null)), 1);
        }
    }

    private static void assertSaid(JsonNode said, Predictions alone) {
        assertThat(said.path("label").asText()).isEqualTo(alone.labels().names().get((int) alone.predicted(0)));
        for (int k = 0; k < 2; k++) {
            // scores of a few units, in a batch of another size: rounded a few units in the last place of a float apart
            assertThat(said.path("probs").get(k).asDouble()).isCloseTo(alone.probabilities(0)[k], within(1e-5));
        }
    }

    @Test
    void eachAdapterJudgesByItsOwnHeadThoughOneFitsIntoMemory() {
        assertThat(post("/v1/adapters", "{\"name\": \"kind\"}").statusCode()).isEqualTo(200);
        Predictions mood = alone("mood", "The old man laughed.");
        Predictions kind = alone("kind", "The old man laughed.");
        List<CompletableFuture<HttpResponse<String>>> answers = IntStream.range(0, 8).mapToObj(i -> CompletableFuture.supplyAsync(() ->
                post("/v1/classify", "{\"model\": \"" + (i % 2 == 0 ? "mood" : "kind")
                        + "\", \"input\": [\"The old man laughed.\", [\"It rained\", \"for days\"]]}"))).toList();
        for (int i = 0; i < 8; i++) {
            JsonNode answer = Served.json(answers.get(i).join());
            assertThat(answer.path("data")).hasSize(2);
            assertSaid(answer.path("data").get(0), i % 2 == 0 ? mood : kind);
        }
    }

    @Test
    void whatCannotBeJudgedIsSaid() {
        assertThat(post("/v1/classify", "{\"model\": \"base-6m\", \"input\": \"a\"}").body()).contains("no head");
        assertThat(post("/v1/classify", "{\"model\": \"nobody\", \"input\": \"a\"}").statusCode()).isEqualTo(404);
        for (String input : List.of("3", "[]", "[3]", "[[\"a\"]]", "{}", "null")) {
            assertThat(post("/v1/classify", "{\"model\": \"mood\", \"input\": " + input + "}").statusCode()).isEqualTo(400);
        }
        HttpResponse<String> other = post("/v1/adapters", "{\"name\": \"three\"}");
        assertThat(other.statusCode()).isEqualTo(400);
        assertThat(other.body()).contains("3 labels").doesNotContain(folder.toString());
        assertThat(post("/v1/completions", "{\"prompt\": \"a\"}").statusCode()).isEqualTo(404);
    }
}
