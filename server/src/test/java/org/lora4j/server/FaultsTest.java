package org.lora4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.generate.EngineLimits;
import org.lora4j.generate.Request;

/** Whatever a client does, the next one is answered. */
class FaultsTest {

    @TempDir
    private Path folder;

    private static String greedy(Served served, String model) {
        return served.completion(Map.of("model", model, "prompt", "The house", "max_tokens", 12, "temperature", 0));
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        for (int i = 0; i < 400 && !condition.getAsBoolean(); i++) {
            Thread.sleep(25);
        }
        assertThat(condition.getAsBoolean()).isTrue();
    }

    private static Socket ask(Served served, String body) throws IOException {
        Socket socket = new Socket("127.0.0.1", served.server.port());
        socket.getOutputStream().write(("POST /v1/completions HTTP/1.1\r\nHost: localhost:" + served.server.port()
                + "\r\nContent-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.UTF_8));
        return socket;
    }

    @Test
    void aClientThatGoesAwayWhileItsTextIsWrittenIsNotWrittenFor() throws Exception {
        try (Served served = Served.of(ServerSettings.defaults(), List.of())) {
            for (int i = 0; i < 6; i++) {
                Socket socket = ask(served, "{\"prompt\": \"The house\", \"max_tokens\": 250, \"ignore_eos\": true, \"n\": 8, \"stream\": true}");
                InputStream in = socket.getInputStream();
                assertThat(in.readNBytes(400)).hasSize(400);
                socket.close();
            }
            await(() -> served.metric("lora4j_running_texts") == 0 && served.metric("lora4j_requests_open") == 0);
            assertThat(served.metric("lora4j_cancelled_total")).isEqualTo(6);
            assertThat(served.metric("lora4j_generated_tokens_total")).isLessThan(6 * 8 * 250);
            assertThat(greedy(served, "base-6m")).isEqualTo(Served.alone(null, "The house", Request.of(0).withMaxNewTokens(12)));
        }
    }

    @Test
    void moreThanMayWaitIsToldToComeAgain() throws Exception {
        ServerSettings settings = ServerSettings.defaults().withQueue(2).withLimits(new EngineLimits(1, 8L << 20, true));
        try (Served served = Served.of(settings, List.of())) {
            List<CompletableFuture<HttpResponse<String>>> answers = IntStream.range(0, 12).mapToObj(i -> CompletableFuture.supplyAsync(
                    () -> served.post("/v1/completions", "{\"prompt\": \"The house\", \"max_tokens\": 80, \"ignore_eos\": true}"))).toList();
            List<HttpResponse<String>> responses = answers.stream().map(CompletableFuture::join).toList();
            assertThat(responses).allMatch(response -> response.statusCode() == 200 || response.statusCode() == 429);
            List<HttpResponse<String>> refused = responses.stream().filter(response -> response.statusCode() == 429).toList();
            assertThat(refused).isNotEmpty().allMatch(response -> Integer.parseInt(
                    response.headers().firstValue("Retry-After").orElse("0")) >= 1);
            assertThat(refused.getFirst().body()).contains("rate_limit");
            assertThat(responses.size() - refused.size()).isGreaterThanOrEqualTo(3);
            assertThat(greedy(served, "base-6m")).isNotEmpty();
        }
    }

    @Test
    void withMemoryForFewPositionsRequestsWaitAndTooLargeOnesAreRefused() {
        ServerSettings settings = ServerSettings.defaults().withLimits(new EngineLimits(32, 100 * 12_288, true));
        try (Served served = Served.of(settings, List.of())) {
            String expected = Served.alone(null, "The house", Request.of(0).withMaxNewTokens(12));
            List<CompletableFuture<String>> answers = IntStream.range(0, 20).mapToObj(i -> CompletableFuture.supplyAsync(
                    () -> greedy(served, "base-6m"))).toList();
            assertThat(answers.stream().map(CompletableFuture::join)).containsOnly(expected);
            HttpResponse<String> large = served.post("/v1/completions", "{\"prompt\": \"The house\", \"max_tokens\": 200}");
            assertThat(large.statusCode()).isEqualTo(400);
            assertThat(large.body()).contains("100 positions");
        }
    }

    @Test
    void anAnswerThatTakesTooLongIsGivenUp() {
        ServerSettings settings = ServerSettings.defaults().withTimes(Duration.ofSeconds(0), Duration.ofSeconds(1));
        try (Served served = Served.of(settings, List.of())) {
            HttpResponse<String> late = served.post("/v1/completions", "{\"prompt\": \"The house\", \"max_tokens\": 250, \"n\": 8}");
            assertThat(late.statusCode()).isEqualTo(504);
            assertThat(served.get("/health").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void whatIsUnderWayIsWrittenToItsEndWhenTheServerIsToEnd() throws Exception {
        Served served = Served.of(ServerSettings.defaults(), List.of());
        String body = "{\"prompt\": \"The house\", \"max_tokens\": 200, \"ignore_eos\": true, \"temperature\": 0, \"stream\": true}";
        var lines = served.stream("/v1/completions", body).body().iterator();
        lines.next();
        CompletableFuture<Void> end = CompletableFuture.runAsync(served.server::end);
        await(() -> served.get("/ready").statusCode() == 503);
        assertThat(served.post("/v1/completions", "{\"prompt\": \"a\"}").statusCode()).isEqualTo(503);
        List<String> rest = new ArrayList<>();
        lines.forEachRemaining(rest::add);
        assertThat(rest).contains("data: [DONE]");
        assertThat(rest.stream().filter(line -> line.startsWith("data: {"))).hasSizeGreaterThan(150);
        end.join();
        assertThatThrownBy(() -> served.get("/health")).isInstanceOf(RuntimeException.class);
        served.close();
    }

    @Test
    void fairnessLetsAnAdapterWithOneRequestPassOneWithMany() {
        List<Path> adapters = Served.adapters(folder, 4, 4);
        ServerSettings settings = ServerSettings.defaults().withLimits(new EngineLimits(2, 64L << 20, true));
        try (Served served = Served.of(settings, adapters)) {
            List<CompletableFuture<Long>> many = IntStream.range(0, 16).mapToObj(i -> CompletableFuture.supplyAsync(() -> {
                served.completion(Map.of("model", "a0", "prompt", "The house", "max_tokens", 100, "ignore_eos", true));
                return System.nanoTime();
            })).toList();
            while (served.metric("lora4j_queue_requests") < 8) {
                Thread.onSpinWait();
            }
            greedy(served, "a1");
            long one = System.nanoTime();
            assertThat(many.stream().map(CompletableFuture::join).filter(ended -> ended > one).count()).isGreaterThan(8);
        }
    }

    @Test
    void whoeverHasNoTokenIsNotAnswered() {
        ServerSettings settings = ServerSettings.defaults().withToken("a-secret-of-mine");
        try (Served served = Served.of(settings, List.of())) {
            assertThat(served.get("/health").statusCode()).isEqualTo(200);
            assertThat(served.get("/").statusCode()).isEqualTo(200);
            for (String path : List.of("/v1/models", "/metrics", "/v1/adapters")) {
                HttpResponse<String> refused = served.get(path);
                assertThat(refused.statusCode()).isEqualTo(401);
                assertThat(refused.headers().firstValue("WWW-Authenticate")).contains("Bearer");
                assertThat(served.send(HttpRequest.newBuilder(served.uri(path)).header("Authorization", "Bearer a-secret-of-yours"))
                        .statusCode()).isEqualTo(401);
                assertThat(served.send(HttpRequest.newBuilder(served.uri(path)).header("Authorization", "Bearer a-secret-of-mine"))
                        .statusCode()).isEqualTo(200);
            }
        }
        assertThatThrownBy(() -> ServerSettings.defaults().withAddress("0.0.0.0", 0).check()).isInstanceOf(LoraException.class)
                .hasMessageContaining("token");
        assertThatThrownBy(() -> ServerSettings.defaults().withToken("short")).isInstanceOf(LoraException.class);
    }

    @Test
    void aPageOfAnotherOriginIsNotAnswered() throws IOException {
        try (Served served = Served.of(ServerSettings.defaults(), List.of())) {
            assertThat(served.send(HttpRequest.newBuilder(served.uri("/v1/models")).header("Origin", "http://evil.example"))
                    .statusCode()).isEqualTo(403);
            assertThat(served.send(HttpRequest.newBuilder(served.uri("/v1/models")).header("Origin",
                    "http://127.0.0.1:" + served.server.port())).statusCode()).isEqualTo(200);
            assertThat(served.send(HttpRequest.newBuilder(served.uri("/v1/completions")).header("Content-Type", "text/plain")
                    .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"a\"}"))).statusCode()).isEqualTo(415);
            try (Socket socket = new Socket("127.0.0.1", served.server.port())) {
                socket.getOutputStream().write("GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".getBytes());
                assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).startsWith("HTTP/1.1 403");
            }
        }
    }

    /** Ten thousand by hand: see docs/serving.md. */
    @Test
    void malformedRequestsAreRefusedAndTheNextOneIsAnswered() throws IOException {
        int count = Integer.getInteger("lora4j.fuzz", 300);
        try (Served served = Served.of(ServerSettings.defaults().withAdaptersFolder(folder, true), List.of())) {
            String expected = greedy(served, "base-6m");
            Fuzzer fuzzer = new Fuzzer(new Random(11));
            for (int i = 0; i < count; i++) {
                byte[] request = fuzzer.request(served.server.port());
                try (Socket socket = new Socket("127.0.0.1", served.server.port())) {
                    socket.setSoTimeout(20_000);
                    socket.getOutputStream().write(request);
                    socket.shutdownOutput();
                    String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                    String asked = new String(request, StandardCharsets.ISO_8859_1);
                    assertThat(answer).as(asked).doesNotStartWith("HTTP/1.1 500");
                } catch (SocketException closed) {
                    // it closes connections on which nonsense comes
                }
                if (i % 50 == 0) {
                    assertThat(greedy(served, "base-6m")).isEqualTo(expected);
                }
            }
            assertThat(greedy(served, "base-6m")).isEqualTo(expected);
        }
    }
}
