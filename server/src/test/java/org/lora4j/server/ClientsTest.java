package org.lora4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.ModelNotFoundException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiLanguageModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.generate.Request;

/** Programs that were written for OpenAI's server talk to this one as they are. */
class ClientsTest {

    private static final String TOKEN = "the-token-of-the-test";
    private static final Path NODE = Path.of("src/test/node");

    @TempDir
    private static Path folder;
    private static Path adapter;
    private static Served served;

    @BeforeAll
    static void serve() {
        adapter = Served.adapters(folder, 8).getFirst();
        served = Served.of(ServerSettings.defaults().withToken(TOKEN), List.of(adapter));
    }

    @AfterAll
    static void end() {
        served.close();
    }

    private static String url() {
        return served.uri("/v1").toString();
    }

    @Test
    void langChain4jChatsAndStreamsTheSame() {
        OpenAiChatModel model = OpenAiChatModel.builder().baseUrl(url()).apiKey(TOKEN).modelName("a0").temperature(0.0)
                .maxTokens(16).maxRetries(0).build();
        ChatResponse answer = model.chat(SystemMessage.from("Be brief."), UserMessage.from("The house"));
        assertThat(answer.aiMessage().text()).isNotEmpty();
        assertThat(answer.tokenUsage().outputTokenCount()).isEqualTo(16);
        StringBuilder pieces = new StringBuilder();
        CompletableFuture<ChatResponse> whole = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder().baseUrl(url()).apiKey(TOKEN).modelName("a0").temperature(0.0).maxTokens(16).build()
                .chat(List.of(SystemMessage.from("Be brief."), UserMessage.from("The house")), new StreamingChatResponseHandler() {
                    @Override
                    public void onPartialResponse(String piece) {
                        pieces.append(piece);
                    }

                    @Override
                    public void onCompleteResponse(ChatResponse response) {
                        whole.complete(response);
                    }

                    @Override
                    public void onError(Throwable error) {
                        whole.completeExceptionally(error);
                    }
                });
        assertThat(whole.join().aiMessage().text()).isEqualTo(answer.aiMessage().text()).isEqualTo(pieces.toString());
        assertThat(whole.join().tokenUsage().totalTokenCount()).isEqualTo(answer.tokenUsage().totalTokenCount());
    }

    @Test
    void langChain4jContinuesTextsAndHearsOfErrors() {
        OpenAiLanguageModel model = OpenAiLanguageModel.builder().baseUrl(url()).apiKey(TOKEN).modelName("a0").temperature(0.0).build();
        assertThat(model.generate("The house").content()).isEqualTo(
                Served.alone(adapter, "The house", Request.of(0).withMaxNewTokens(16)));
        assertThatThrownBy(() -> OpenAiChatModel.builder().baseUrl(url()).apiKey(TOKEN).modelName("nobody").maxRetries(0).build().chat("a"))
                .isInstanceOf(ModelNotFoundException.class);
    }

    @Test
    void theOfficialClientGetsWhatItExpects() throws IOException, InterruptedException {
        Path modules = NODE.resolve("node_modules");
        assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(path -> Files.isExecutable(Path.of(path, "node"))),
                "skipped: there is no node on PATH");
        assumeTrue(Files.isDirectory(modules.resolve("openai")), "skipped: run npm install in server/" + NODE + " first");
        Process node = new ProcessBuilder("node", "check.mjs", served.server.url(), TOKEN, "a0").directory(NODE.toFile()).start();
        String out = new String(node.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(node.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(node.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(node.exitValue()).as(err).isZero();
        JsonNode said = Served.read(out);
        assertThat(said.path("models").toString()).isEqualTo("[\"base-6m\",\"a0\"]");
        assertThat(said.path("retrieved").asText()).isEqualTo("a0");
        assertThat(said.path("completion").asText()).isEqualTo(said.path("streamed").asText()).isEqualTo(
                Served.alone(adapter, "The house", Request.of(0).withMaxNewTokens(16)));
        assertThat(said.path("tokens").asInt()).isEqualTo(16);
        assertThat(said.path("chat")).isEqualTo(said.path("chatStreamed"));
        assertThat(said.path("chat").get(0)).isNotEqualTo(said.path("chat").get(1));
        assertThat(said.path("sameUsage").asBoolean()).isTrue();
        assertThat(said.path("helper").asText()).isNotEmpty();
        assertThat(said.path("failures").toString()).isEqualTo(
                "[\"NotFoundError 404 model_not_found\",\"BadRequestError 400 null\",\"AuthenticationError 401 invalid_api_key\"]");
    }
}
