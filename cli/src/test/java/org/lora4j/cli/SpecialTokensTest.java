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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models with tokens beside the vocabulary's, with rows beside the tokens, and with an end of their own. */
class SpecialTokensTest {

    private static final String CHAT = "{\"<|pad|>\": 4096, \"<|im_start|>\": 4097, \"<|im_end|>\": 4098}";
    private static final String PAIR = "{\"context\": \"hello\", \"completion\": \"<|im_start|>hi<|im_end|>\"}\n";
    private static final String MISSING_ROW =
            "the tokenizer turns '<|im_end|>' into token 4098, and the model has 4098 tokens (0 to 4097)";

    @TempDir
    Path folder;

    private static Run run(Path model, String command, String... more) {
        List<String> args = new ArrayList<>(List.of(command, "--model", model.toString()));
        args.addAll(List.of(more));
        return Run.of(args.toArray(String[]::new));
    }

    private static List<Integer> written(Path model, String... more) throws IOException {
        List<String> args = new ArrayList<>(List.of("--prompt", "Once upon a time", "--max-new-tokens", "12", "--json"));
        args.addAll(List.of(more));
        Run run = run(model, "generate", args.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        List<Integer> ids = new ArrayList<>();
        json(run).get(0).get("tokens").forEach(id -> ids.add(id.asInt()));
        return ids;
    }

    private static JsonNode json(Run run) throws IOException {
        return new ObjectMapper().readTree(run.out());
    }

    private Path chat(int rows) throws IOException {
        Path model = TinyModel.write(folder.resolve("chat"), rows);
        Files.writeString(model.resolve("added_tokens.json"), CHAT);
        Files.writeString(folder.resolve("chat.jsonl"), PAIR);
        return model;
    }

    /** A space, two tokens of the chat, two letters, and end-of-text: as many as Transformers makes. */
    @Test
    void theTokensOfAChatAreOneTargetEach() throws IOException {
        Run run = run(chat(4099), "evaluate", "--data", folder.resolve("chat.jsonl").toString(), "--json");
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(json(run).get("targets").asInt()).isEqualTo(6);
    }

    @Test
    void aTokenThatTheModelHasNoRowForIsNamedWhateverTheCommand() throws IOException {
        Path model = chat(4098);
        String data = folder.resolve("chat.jsonl").toString();
        Files.createDirectory(folder.resolve("parts"));
        Files.writeString(folder.resolve("parts/train.jsonl"), "{\"context\": \"a\", \"completion\": \"b\"}\n");
        Files.writeString(folder.resolve("parts/dev.jsonl"), PAIR);
        for (Run run : List.of(
                run(model, "generate", "--prompt", "hi<|im_end|>"),
                run(model, "generate", "--prompt", "hi<|im_end|>", "--beam", "2"),
                run(model, "evaluate", "--data", data),
                run(model, "train", "--data", data, "--steps", "1", "--out", folder.resolve("out").toString()),
                run(model, "train", "--data", folder.resolve("parts").toString(), "--steps", "1", "--out",
                        folder.resolve("out").toString()))) {
            assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
            assertThat(run.err()).contains(MISSING_ROW).contains("resize_token_embeddings").doesNotContain("Exception");
        }
    }

    /** Nine rows of ten have no token, so a random model chooses such an id at once. */
    @Test
    void aModelWithMoreRowsThanTokensWritesNothingForThoseAndTrainsWithADevSet() throws IOException {
        Path model = TinyModel.write(folder.resolve("padded"), 40960);
        assertThat(written(model)).hasSize(12).anyMatch(id -> id >= 4096);
        Files.createDirectory(folder.resolve("parts"));
        for (String part : List.of("train", "dev")) {
            Files.writeString(folder.resolve("parts/" + part + ".jsonl"), "{\"context\": \"a\", \"completion\": \"b\"}\n");
        }
        Run run = run(model, "train", "--data", folder.resolve("parts").toString(), "--steps", "1", "--out",
                folder.resolve("out").toString());
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
    }

    @Test
    void aTextEndsAtTheIdsThatTheModelsConfigurationsName() throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        List<Integer> all = written(model);
        int stop = all.get(5);
        List<Integer> expected = all.subList(0, all.indexOf(stop));
        TinyModel.replace(model.resolve("config.json"), "{\"model_type\"", "{\"eos_token_id\": " + stop + ", \"model_type\"");
        assertThat(written(model)).isEqualTo(expected);
        Files.writeString(model.resolve("generation_config.json"), "{\"eos_token_id\": [7, 0]}");
        assertThat(written(model)).isEqualTo(all);
        Files.writeString(model.resolve("generation_config.json"), "{\"eos_token_id\": [7, " + stop + "]}");
        assertThat(written(model)).isEqualTo(expected);
        assertThat(written(model, "--beam", "1", "--no-repeat-ngram", "0")).startsWith(expected.toArray(Integer[]::new));
    }

    @Test
    void aVocabularyWithoutTheNameEndOfTextIsUsedWithTheTokenThatItNames() throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        TinyModel.replace(model.resolve("vocab.json"), "<|endoftext|>", "</s>");
        Files.writeString(folder.resolve("pairs.jsonl"), "{\"context\": \"a</s>\", \"completion\": \"b\"}\n");
        Run unnamed = run(model, "evaluate", "--data", folder.resolve("pairs.jsonl").toString());
        assertThat(unnamed.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(unnamed.err()).contains("no token <|endoftext|>", "eos_token in a tokenizer_config.json");
        Files.writeString(model.resolve("special_tokens_map.json"), "{\"eos_token\": \"</s>\"}");
        Run named = run(model, "evaluate", "--data", folder.resolve("pairs.jsonl").toString(), "--json");
        assertThat(named.exitCode()).as(named.err()).isEqualTo(ExitCode.OK);
        assertThat(json(named).get("targets").asInt()).isEqualTo(2);
    }

    @Test
    void specialTokensAreLeftOutOfTheTextAndKeptAmongTheTokens() throws IOException {
        Path model = TinyModel.write(folder.resolve("model"));
        List<Integer> all = written(model);
        String vocabulary = Files.readString(model.resolve("vocab.json"));
        String token = new ObjectMapper().readTree(vocabulary).properties().stream()
                .filter(entry -> entry.getValue().asInt() == all.getFirst()).findFirst().orElseThrow().getKey();
        Run before = run(model, "generate", "--prompt", "Once upon a time", "--max-new-tokens", "1", "--json");
        assertThat(json(before).get(0).get("text").asText()).isNotEmpty();
        Files.writeString(model.resolve("special_tokens_map.json"), new ObjectMapper().writeValueAsString(
                Map.of("pad_token", token)));
        Run after = run(model, "generate", "--prompt", "Once upon a time", "--max-new-tokens", "1", "--json");
        assertThat(json(after).get(0).get("text").asText()).isEmpty();
        assertThat(json(after).get(0).get("tokens")).hasSize(1);
    }
}
