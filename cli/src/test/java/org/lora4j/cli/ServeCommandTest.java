package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command around the server: what it refuses, what it says, how it ends. */
class ServeCommandTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --host 0.0.0.0                  | token
            --host nowhere.invalid          | no address
            --port 70000                    | 65535
            --tls-cert a.pem                | --tls-key
            --allow-upload                  | --adapters-folder
            --adapters-folder missing-here  | missing-here
            --kv-memory lots                | 2g
            --max-texts 0                   | texts
            --max-adapters 0                | --max-adapters
            --queue 0                       | --queue
            --request-timeout 0             | seconds
            --adapter a=x --adapter a=y     | two called a
            """)
    void whatMakesNoSenseIsRefusedBeforeAModelIsLoaded(String options, String said) {
        String[] words = ("serve --model base-6m --port 0 " + options).replace("--port 0 --port", "--port").split(" ");
        Run run = Run.of(words);
        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains(said);
    }

    @Test
    void anAdapterThatIsNoneIsAFailure() {
        Run run = Run.of("serve", "--model", "base-6m", "--port", "0", "--adapter", "a=" + folder);
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("adapter_config.json");
    }

    @Test
    void itSaysWhereItListensAndEndsWhenItIsTold() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Path token = Files.writeString(folder.resolve("token"), "a-token-for-this-test\n");
        CompletableFuture<Integer> code = CompletableFuture.supplyAsync(() -> Main.run(Run.stream(out), Run.stream(err),
                "serve", "--model", "base-6m", "--port", "0", "--token-file", token.toString()));
        while (!Run.text(err).contains("serving base-6m") && !code.isDone()) {
            Thread.sleep(20);
        }
        String url = Run.text(out).strip();
        assertThat(url).as(Run.text(err)).startsWith("http://127.0.0.1:");
        assertThat(status(url + "v1/models", "a-token-for-this-test")).isEqualTo(200);
        assertThat(status(url + "v1/models", "another")).isEqualTo(401);
        Object terminate = Class.forName("sun.misc.Signal").getConstructor(String.class).newInstance("TERM");
        terminate.getClass().getMethod("raise", terminate.getClass()).invoke(null, terminate);
        assertThat(code.get()).isEqualTo(ExitCode.OK);
    }

    private static int status(String url, String token) throws IOException, InterruptedException {
        return HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + token).build(),
                HttpResponse.BodyHandlers.discarding()).statusCode();
    }
}
