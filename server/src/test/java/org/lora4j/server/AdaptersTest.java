package org.lora4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.generate.Request;

/** Adapters come and go while others are at work, from one folder and no other. */
class AdaptersTest {

    private static final Request HOW = Request.of(0).withMaxNewTokens(12);

    @TempDir
    private Path temporary;
    private Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectories(temporary.resolve("adapters"));
    }

    private Served open(boolean uploads, int most) {
        return Served.of(ServerSettings.defaults().withAdaptersFolder(folder, uploads).withMaxAdapters(most), List.of());
    }

    private static String written(Served served, String model) {
        return served.completion(Map.of("model", model, "prompt", "The house", "max_tokens", 12, "temperature", 0));
    }

    private static HttpResponse<String> delete(Served served, String name) {
        return served.send(HttpRequest.newBuilder(served.uri("/v1/adapters/" + name)).DELETE());
    }

    @Test
    void oneIsLoadedAskedAndUnloaded() {
        List<Path> paths = Served.adapters(folder, 4, 8);
        try (Served served = open(false, 8)) {
            assertThat(served.post("/v1/completions", "{\"model\": \"a0\", \"prompt\": \"a\"}").statusCode()).isEqualTo(404);
            HttpResponse<String> loaded = served.post("/v1/adapters", "{\"name\": \"a0\"}");
            assertThat(loaded.statusCode()).isEqualTo(200);
            assertThat(Served.json(loaded).path("in_memory").asBoolean()).isTrue();
            assertThat(served.post("/v1/adapters", "{\"name\": \"other\", \"path\": \"a1\"}").statusCode()).isEqualTo(200);
            assertThat(written(served, "a0")).isEqualTo(Served.alone(paths.get(0), "The house", HOW));
            assertThat(written(served, "other")).isEqualTo(Served.alone(paths.get(1), "The house", HOW));
            assertThat(served.post("/v1/adapters", "{\"name\": \"a0\"}").statusCode()).isEqualTo(409);
            assertThat(delete(served, "a0").statusCode()).isEqualTo(200);
            assertThat(delete(served, "a0").statusCode()).isEqualTo(404);
            assertThat(served.post("/v1/completions", "{\"model\": \"a0\", \"prompt\": \"a\"}").statusCode()).isEqualTo(404);
            assertThat(served.post("/v1/load_lora_adapter", "{\"lora_name\": \"a0\", \"lora_path\": \"a1\"}").statusCode()).isEqualTo(200);
            assertThat(written(served, "a0")).isEqualTo(written(served, "other"));
            assertThat(served.post("/v1/unload_lora_adapter", "{\"lora_name\": \"a0\"}").statusCode()).isEqualTo(200);
            assertThat(delete(served, "base-6m").statusCode()).isEqualTo(400);
        }
    }

    @Test
    void moreThanFitIntoMemoryTakeTurns() {
        List<Path> paths = Served.adapters(folder, 1, 2, 4, 8, 16, 32);
        try (Served served = open(false, 2)) {
            for (Path path : paths) {
                served.server.load(path.getFileName().toString(), path);
            }
            List<String> alone = paths.stream().map(path -> Served.alone(path, "The house", HOW)).toList();
            List<CompletableFuture<String>> answers = new ArrayList<>();
            for (int i = 0; i < 36; i++) {
                String name = "a" + i * 7 % 6;
                answers.add(CompletableFuture.supplyAsync(() -> written(served, name)));
            }
            for (int i = 0; i < 36; i++) {
                assertThat(answers.get(i).join()).as("answer %d", i).isEqualTo(alone.get(i * 7 % 6));
            }
            assertThat(served.metric("lora4j_adapters_loaded")).isLessThanOrEqualTo(2);
            assertThat(served.metric("lora4j_adapter_loads_total")).isGreaterThanOrEqualTo(6);
        }
    }

    @Test
    void anAdapterThatIsAlwaysAskedDoesNotKeepAnotherOut() {
        Served.adapters(folder, 4, 4);
        try (Served served = open(false, 1)) {
            served.server.load("a0", folder.resolve("a0"));
            served.server.load("a1", folder.resolve("a1"));
            boolean[] enough = new boolean[1];
            List<CompletableFuture<Void>> busy = IntStream.range(0, 3).mapToObj(i -> CompletableFuture.runAsync(() -> {
                while (!enough[0]) {
                    served.completion(Map.of("model", "a0", "prompt", "The house", "max_tokens", 60, "ignore_eos", true));
                }
            })).toList();
            assertThat(written(served, "a1")).isNotEmpty();
            enough[0] = true;
            busy.forEach(CompletableFuture::join);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "../adapters", "/etc", "a0/../..", "link", "inside-link", ".", "", "no\\u0000", "missing", "file"})
    void noPathLeadsOutOfTheFolder(String path) throws IOException {
        Path outside = Served.adapters(temporary.resolve("outside"), 4).getFirst();
        Files.createSymbolicLink(folder.resolve("link"), outside);
        Files.writeString(folder.resolve("file"), "");
        Path inside = Files.createDirectory(folder.resolve("inside-link"));
        try (Stream<Path> files = Files.list(outside)) {
            for (Path file : files.toList()) {
                Files.createSymbolicLink(inside.resolve(file.getFileName()), file);
            }
        }
        try (Served served = open(false, 8)) {
            HttpResponse<String> response = served.post("/v1/adapters", "{\"name\": \"x\", \"path\": \"" + path + "\"}");
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(response.body()).doesNotContain(temporary.toString());
            assertThat(served.get("/v1/models").body()).doesNotContain("\"x\"");
        }
    }

    @Test
    void whatIsTornIsRefusedAndLoadedOnceItIsWhole() throws IOException {
        Path whole = Served.adapters(folder, 4).getFirst();
        Path tensors = whole.resolve("adapter_model.safetensors");
        byte[] bytes = Files.readAllBytes(tensors);
        try (Served served = open(false, 8)) {
            for (int length : new int[] {0, 5, 100, bytes.length / 2, bytes.length - 1}) {
                Files.write(tensors, Arrays.copyOf(bytes, length));
                HttpResponse<String> response = served.post("/v1/adapters", "{\"name\": \"a0\"}");
                assertThat(response.statusCode()).as("%d bytes", length).isEqualTo(400);
                assertThat(response.body()).doesNotContain(temporary.toString());
            }
            Files.write(tensors, bytes);
            assertThat(served.post("/v1/adapters", "{\"name\": \"a0\"}").statusCode()).isEqualTo(200);
            assertThat(written(served, "a0")).isEqualTo(Served.alone(whole, "The house", HOW));
        }
    }

    @Test
    void ofTwoLoadsOfOneNameOneIsTaken() {
        Served.adapters(folder, 16, 16);
        try (Served served = open(false, 8)) {
            for (int round = 0; round < 5; round++) {
                List<CompletableFuture<Integer>> loads = IntStream.range(0, 4).mapToObj(i -> CompletableFuture.supplyAsync(
                        () -> served.post("/v1/adapters", "{\"name\": \"x\", \"path\": \"a" + i % 2 + "\"}").statusCode())).toList();
                assertThat(loads.stream().map(CompletableFuture::join).sorted()).containsExactly(200, 409, 409, 409);
                assertThat(written(served, "x")).isNotEmpty();
                assertThat(delete(served, "x").statusCode()).isEqualTo(200);
            }
        }
    }

    @Test
    void anAnswerUnderWayIsWrittenToItsEndWhenItsAdapterIsUnloadedAndAnotherTakesItsName() {
        List<Path> paths = Served.adapters(folder, 4, 8);
        String expected = Served.alone(paths.get(0), "The house", Request.of(0).withMaxNewTokens(200));
        try (Served served = open(false, 1)) {
            served.post("/v1/adapters", "{\"name\": \"x\", \"path\": \"a0\"}");
            StringBuilder text = new StringBuilder();
            var lines = served.stream("/v1/completions", """
                    {"model": "x", "prompt": "The house", "max_tokens": 200, "temperature": 0, "stream": true}""").body().iterator();
            text.append(piece(lines.next()));
            assertThat(delete(served, "x").statusCode()).isEqualTo(200);
            assertThat(served.post("/v1/adapters", "{\"name\": \"x\", \"path\": \"a1\"}").statusCode()).isEqualTo(200);
            assertThat(written(served, "x")).isEqualTo(Served.alone(paths.get(1), "The house", HOW));
            lines.forEachRemaining(line -> text.append(piece(line)));
            assertThat(text.toString()).isEqualTo(expected);
            assertThat(served.metric("lora4j_adapters_known")).isEqualTo(1);
        }
    }

    private static String piece(String line) {
        return line.startsWith("data: {") ? Served.read(line.substring(6)).at("/choices/0/text").asText() : "";
    }

    // ------------------------------------------------------------------------------------------------ uploads

    private static byte[] zip(Path adapter, String prefix, String... more) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes); Stream<Path> files = Files.list(adapter)) {
            for (Path file : files.toList()) {
                zip.putNextEntry(new ZipEntry(prefix + file.getFileName()));
                zip.write(Files.readAllBytes(file));
            }
            for (String name : more) {
                zip.putNextEntry(new ZipEntry(name));
                zip.write(new byte[] {1, 2, 3});
            }
        }
        return bytes.toByteArray();
    }

    private static HttpResponse<String> upload(Served served, String name, byte[] zip) {
        return served.send(HttpRequest.newBuilder(served.uri("/v1/adapters?name=" + name)).header("Content-Type", "application/zip")
                .POST(HttpRequest.BodyPublishers.ofByteArray(zip)));
    }

    @Test
    void anUploadBecomesAFolderWithItsTwoFilesAndNothingElse() throws IOException {
        Path adapter = Served.adapters(temporary.resolve("mine"), 4).getFirst();
        byte[] zip = zip(adapter, "some/where/", "../../outside", "/etc/evil", "more.txt");
        try (Served served = open(true, 8)) {
            JsonNode answer = Served.json(upload(served, "up", zip));
            assertThat(answer.path("id").asText()).isEqualTo("up");
            assertThat(written(served, "up")).isEqualTo(Served.alone(adapter, "The house", HOW));
            assertThat(folder.resolve("up")).isDirectoryContaining("glob:**/adapter_config.json")
                    .isDirectoryNotContaining("glob:**/{outside,evil,more.txt}");
            assertThat(temporary.resolve("outside")).doesNotExist();
            assertThat(upload(served, "up", zip).statusCode()).isEqualTo(409);
            assertThat(upload(served, "..", zip).statusCode()).isEqualTo(400);
            assertThat(upload(served, "torn", Arrays.copyOf(zip, zip.length / 2)).statusCode()).isEqualTo(400);
            assertThat(upload(served, "none", new byte[100]).statusCode()).isEqualTo(400);
            assertThat(folder).isDirectoryNotContaining("glob:**/{torn,none}");
        }
        try (Served served = open(false, 8)) {
            assertThat(upload(served, "late", zip).statusCode()).isEqualTo(403);
        }
    }

    @Test
    void withoutAFolderNothingIsLoaded() {
        Path adapter = Served.adapters(folder, 4).getFirst();
        try (Served served = Served.of(ServerSettings.defaults(), List.of(adapter))) {
            assertThat(served.post("/v1/adapters", "{\"name\": \"x\", \"path\": \"a0\"}").statusCode()).isEqualTo(403);
            assertThat(delete(served, "a0").statusCode()).isEqualTo(403);
            assertThat(written(served, "a0")).isNotEmpty();
            assertThatThrownBy(() -> served.server.load("a0", adapter)).isInstanceOf(LoraException.class).hasMessageContaining("a0");
        }
    }
}
