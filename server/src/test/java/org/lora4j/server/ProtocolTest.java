package org.lora4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Backend;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.train.PromptFormat;

/** What OpenAI's protocol promises. */
class ProtocolTest {

    @TempDir
    private static Path folder;
    private static List<Path> adapters;
    private static Path pairs;
    private static Served served;

    @BeforeAll
    static void serve() {
        adapters = new ArrayList<>(Served.adapters(folder, 4, 16));
        try (Backend backend = Served.backend()) {
            pairs = Served.adapter(Served.model(backend), folder.resolve("pairs"), 4, PromptFormat.PAIR);
        }
        adapters.add(pairs);
        served = Served.of(ServerSettings.defaults(), adapters);
    }

    @AfterAll
    static void end() {
        served.close();
    }

    @Test
    void itsModelsAreTheBaseAndTheAdapters() {
        JsonNode models = Served.json(served.get("/v1/models"));
        assertThat(models.path("object").asText()).isEqualTo("list");
        assertThat(models.path("data").findValuesAsText("id")).containsExactly("base-6m", "a0", "a1", "pairs");
        JsonNode one = Served.json(served.get("/v1/models/a1"));
        assertThat(one.path("parent").asText()).isEqualTo("base-6m");
        assertThat(one.path("rank").asInt()).isEqualTo(32); // of q and v together, as PEFT has it
        assertThat(served.get("/v1/models/a7").statusCode()).isEqualTo(404);
    }

    @ParameterizedTest
    @ValueSource(strings = {"base-6m", "a0", "a1", "pairs"})
    void aTextIsTheOneThatItsAdapterWritesAlone(String model) {
        Path adapter = adapters.stream().filter(path -> path.endsWith(model)).findFirst().orElse(null);
        String greedy = served.completion(Map.of("model", model, "prompt", "The house", "max_tokens", 24, "temperature", 0));
        assertThat(greedy).isEqualTo(Served.alone(adapter, "The house", Request.of(0).withMaxNewTokens(24)));
        String drawn = served.completion(Map.of("model", model, "prompt", "The house", "max_tokens", 24, "seed", 9, "top_p", 0.9));
        assertThat(drawn).isEqualTo(Served.alone(adapter, "The house",
                Request.of(0).withMaxNewTokens(24).withSampling(Sampling.of(1, 9).withTopP(0.9))));
    }

    @Test
    void anAnswerHasEveryFieldThatClientsRead() {
        JsonNode answer = Served.json(served.post("/v1/completions", """
                {"model": "a0", "prompt": "The house", "max_tokens": 5, "temperature": 0}"""));
        assertThat(answer.path("id").asText()).startsWith("cmpl-");
        assertThat(answer.path("object").asText()).isEqualTo("text_completion");
        assertThat(answer.path("model").asText()).isEqualTo("a0");
        assertThat(answer.path("created").asLong()).isPositive();
        assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("length");
        assertThat(answer.at("/choices/0/index").asInt()).isZero();
        assertThat(answer.path("usage")).isEqualTo(Served.read("{\"prompt_tokens\": 2, \"completion_tokens\": 5, \"total_tokens\": 7}"));
        JsonNode chat = Served.json(served.post("/v1/chat/completions", """
                {"model": "a0", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content":
                [{"type": "text", "text": "Who?"}]}], "max_completion_tokens": 4, "temperature": 0}"""));
        assertThat(chat.path("object").asText()).isEqualTo("chat.completion");
        assertThat(chat.at("/choices/0/message/role").asText()).isEqualTo("assistant");
        assertThat(chat.at("/choices/0/message/content").isTextual()).isTrue();
        assertThat(chat.at("/usage/completion_tokens").asInt()).isBetween(1, 4);
    }

    @Test
    void piecesTogetherAreTheWholeText() {
        for (String form : List.of("completions", "chat/completions")) {
            String body = """
                    {"model": "a1", %s, "max_tokens": 30, "seed": 3, "n": 2, "stop": ["qq", "ou"]%%s}""".formatted(
                    form.equals("completions") ? "\"prompt\": \"The old man\"" : "\"messages\": [{\"role\": \"user\", \"content\": \"The old man\"}]");
            JsonNode whole = Served.json(served.post("/v1/" + form, body.formatted("")));
            HttpResponse<Stream<String>> response = served.stream("/v1/" + form,
                    body.formatted(", \"stream\": true, \"stream_options\": {\"include_usage\": true}"));
            assertThat(response.headers().firstValue("content-type").orElse("")).startsWith("text/event-stream");
            List<String> lines = response.body().filter(line -> !line.isEmpty()).toList();
            assertThat(lines).allMatch(line -> line.startsWith("data: "));
            assertThat(lines.getLast()).isEqualTo("data: [DONE]");
            StringBuilder[] texts = {new StringBuilder(), new StringBuilder()};
            String[] reasons = new String[2];
            JsonNode usage = null;
            for (String line : lines.subList(0, lines.size() - 1)) {
                JsonNode chunk = Served.read(line.substring(6));
                for (JsonNode choice : chunk.path("choices")) {
                    int index = choice.path("index").asInt();
                    texts[index].append(choice.path("text").asText("")).append(choice.at("/delta/content").asText(""));
                    reasons[index] = choice.path("finish_reason").isNull() ? reasons[index] : choice.path("finish_reason").asText();
                }
                usage = chunk.path("usage").isObject() ? chunk.path("usage") : usage;
            }
            for (int i = 0; i < 2; i++) {
                JsonNode choice = whole.path("choices").get(i);
                assertThat(texts[i].toString()).isEqualTo(choice.path("text").asText("") + choice.at("/message/content").asText(""));
                assertThat(texts[i].toString()).doesNotContain("ou");
                assertThat(reasons[i]).isEqualTo(choice.path("finish_reason").asText());
            }
            assertThat(usage).isEqualTo(whole.path("usage"));
        }
    }

    @Test
    void aStopStringEndsATextAndIsNoPartOfIt() {
        String whole = served.completion(Map.of("model", "base-6m", "prompt", "The house", "max_tokens", 40, "temperature", 0));
        String stop = whole.substring(12, 17);
        JsonNode answer = Served.json(served.post("/v1/completions", Served.write(
                Map.of("model", "base-6m", "prompt", "The house", "max_tokens", 40, "temperature", 0, "stop", stop))));
        assertThat(answer.at("/choices/0/text").asText()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        assertThat(answer.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
    }

    @Test
    void severalPromptsAreAnsweredInTheirOrderEachWithItsSamples() {
        JsonNode answer = Served.json(served.post("/v1/completions", """
                {"model": "a0", "prompt": ["The house", "A dog"], "n": 2, "max_tokens": 6, "seed": 4, "echo": true}"""));
        List<String> texts = answer.path("choices").findValuesAsText("text");
        assertThat(texts).hasSize(4);
        assertThat(texts.subList(0, 2)).allMatch(text -> text.startsWith("The house"));
        assertThat(texts.subList(2, 4)).allMatch(text -> text.startsWith("A dog"));
        int[] ids = served.tokenizer.encode("The house");
        assertThat(Served.json(served.post("/v1/completions", Served.write(Map.of("model", "a0", "prompt", ids, "n", 2, "max_tokens", 6,
                "seed", 4)))).path("choices").findValuesAsText("text").stream().map(text -> "The house" + text).toList())
                .isEqualTo(texts.subList(0, 2));
    }

    @Test
    void likelihoodsAreThoseOfTheTextsTokens() {
        JsonNode completion = Served.json(served.post("/v1/completions", """
                {"model": "a0", "prompt": "The house", "max_tokens": 6, "temperature": 0, "logprobs": 3}"""));
        JsonNode of = completion.at("/choices/0/logprobs");
        assertThat(String.join("", strings(of.path("tokens")))).isEqualTo(completion.at("/choices/0/text").asText());
        for (int i = 0; i < 6; i++) {
            assertThat(of.path("top_logprobs").get(i)).hasSize(3);
            assertThat(of.path("top_logprobs").get(i).path(of.path("tokens").get(i).asText()).asDouble())
                    .isCloseTo(of.path("token_logprobs").get(i).asDouble(), within(1e-12)); // the likeliest was taken
        }
        JsonNode chat = Served.json(served.post("/v1/chat/completions", """
                {"model": "a0", "messages": [{"role": "user", "content": "Hm"}], "max_tokens": 4, "logprobs": true, "top_logprobs": 2}"""));
        assertThat(chat.at("/choices/0/logprobs/content")).isNotEmpty()
                .allSatisfy(token -> assertThat(token.path("top_logprobs")).hasSize(2));
    }

    private static List<String> strings(JsonNode list) {
        List<String> strings = new ArrayList<>();
        list.forEach(each -> strings.add(each.asText()));
        return strings;
    }

    @Test
    void tokensOfATextAndTextOfTokens() {
        JsonNode tokens = Served.json(served.post("/tokenize", "{\"prompt\": \"The house\", \"return_token_strs\": true}"));
        assertThat(tokens.path("count").asInt()).isEqualTo(2);
        assertThat(strings(tokens.path("token_strs"))).containsExactly("The", " house");
        assertThat(Served.json(served.post("/detokenize", "{\"tokens\": " + tokens.path("tokens") + "}")).path("prompt").asText())
                .isEqualTo("The house");
        assertThat(Served.json(served.post("/tokenize", "{\"messages\": [{\"role\": \"user\", \"content\": \"Hm\"}]}"))
                .path("count").asInt()).isGreaterThan(5);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"prompt": "a"                                        | 400 | JSON
            []                                                    | 400 | no object
            {"model": "b", "prompt": "a"}                         | 404 | a0
            {"model": 3, "prompt": "a"}                           | 400 | 'model'
            {"model": "a0"}                                       | 400 | 'prompt'
            {"prompt": []}                                        | 400 | 'prompt'
            {"prompt": [[]]}                                      | 400 | 'prompt'
            {"prompt": [1, "a"]}                                  | 400 | ids
            {"prompt": [-1]}                                      | 400 | ids
            {"prompt": [99999]}                                   | 400 | 4096 tokens
            {"prompt": "a", "temperature": -0.1}                  | 400 | 'temperature'
            {"prompt": "a", "temperature": "hot"}                 | 400 | 'temperature'
            {"prompt": "a", "top_p": 1.5}                         | 400 | 'top_p'
            {"prompt": "a", "n": 0}                               | 400 | 'n'
            {"prompt": "a", "n": 1e9}                             | 400 | 'n'
            {"prompt": "a", "max_tokens": 1.5}                    | 400 | 'max_tokens'
            {"prompt": "a", "max_tokens": 100000}                 | 400 | 256 positions
            {"prompt": "a", "stop": ""}                           | 400 | 'stop'
            {"prompt": "a", "stop": {"a": 1}}                     | 400 | 'stop'
            {"prompt": "a", "seed": 1.5}                          | 400 | 'seed'
            {"prompt": "a", "stream": "yes"}                      | 400 | 'stream'
            {"prompt": "a", "logprobs": 1000}                     | 400 | 'logprobs'
            {"prompt": "a", "suffix": "b"}                        | 400 | 'suffix'
            {"prompt": "a", "presence_penalty": 1}                | 400 | 'presence_penalty'
            {"prompt": "a", "prompt_format": "poem"}              | 400 | 'poem'
            """)
    void whatCannotBeDoneIsSaidInOpenAisForm(String body, int status, String said) {
        HttpResponse<String> response = served.post("/v1/completions", body);
        assertThat(response.statusCode()).isEqualTo(status);
        JsonNode error = Served.json(response).path("error");
        assertThat(error.path("message").asText()).contains(said);
        assertThat(error.path("type").asText()).isEqualTo("invalid_request_error");
        assertThat(error.has("param") && error.has("code")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "{\"messages\": []}", "{\"messages\": [{\"content\": \"a\"}]}", "{\"messages\": [{\"role\": \"user\", \"content\": 3}]}",
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tools\": [{}]}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"response_format\": {\"type\": \"json_object\"}}"})
    void noChatIsMadeOfWhatIsNone(String body) {
        assertThat(served.post("/v1/chat/completions", body).statusCode()).isEqualTo(400);
    }

    @Test
    void whatIsNotThereAndWhatIsAskedWronglyIsSaid() {
        assertThat(served.get("/v1/nothing").statusCode()).isEqualTo(404);
        assertThat(served.get("/v1/completions").statusCode()).isEqualTo(405);
        assertThat(served.post("/health", "{}").statusCode()).isEqualTo(405);
        assertThat(Served.json(served.get("/health")).path("status").asText()).isEqualTo("ok");
        assertThat(served.get("/ready").statusCode()).isEqualTo(200);
        assertThat(served.get("/").body()).contains("<title>lora4j");
        assertThat(served.post("/v1/completions", "{\"prompt\": \"" + "a".repeat(1 << 20) + "\"}").statusCode()).isEqualTo(413);
    }

    @Test
    void metricsSayWhatHappened() {
        double before = served.metric("lora4j_generated_tokens_total");
        served.completion(Map.of("model", "a0", "prompt", "The house", "max_tokens", 7, "temperature", 0));
        assertThat(served.metric("lora4j_generated_tokens_total")).isEqualTo(before + 7);
        assertThat(served.metric("lora4j_adapters_loaded")).isEqualTo(3);
        assertThat(served.metric("lora4j_queue_requests")).isZero();
        assertThat(served.get("/metrics").body()).contains("lora4j_time_to_first_token_seconds_bucket{le=\"+Inf\"}",
                "lora4j_requests_total{route=\"/v1/completions\",status=\"200\"}");
    }
}
