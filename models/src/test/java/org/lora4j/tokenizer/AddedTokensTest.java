package org.lora4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.pipeline.ByteAlphabet;

/** Special and added tokens, and the files that name them. Ids and texts are those of Transformers 5.18. */
class AddedTokensTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MERGES = "#version: 0.2\nt h\nth e\nĠ the\n";

    @TempDir
    private Path folder;

    /** The 256 bytes, each its own id, then th, the, Ġthe and &lt;|endoftext|>. */
    private static Map<String, Integer> vocabulary() {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int b = 0; b < 256; b++) {
            ids.put(ByteAlphabet.letter(b), b);
        }
        for (String token : new String[] {"th", "the", "Ġthe", "<|endoftext|>"}) {
            ids.put(token, ids.size());
        }
        return ids;
    }

    private ByteLevelBpe load(String... namesAndContents) throws IOException {
        Files.writeString(folder.resolve("vocab.json"), JSON.writeValueAsString(vocabulary()));
        Files.writeString(folder.resolve("merges.txt"), MERGES);
        for (int i = 0; i < namesAndContents.length; i += 2) {
            Files.writeString(folder.resolve(namesAndContents[i]), namesAndContents[i + 1]);
        }
        return ByteLevelBpe.load(folder);
    }

    private void assertRefused(String file, String content, String... parts) throws IOException {
        assertThatThrownBy(() -> load(file, content)).isInstanceOf(LoraException.class).message().contains(parts)
                .startsWith(folder.resolve(file).toString());
        Files.delete(folder.resolve(file));
    }

    @Test
    void sixtyRandomTokenizersEncodeAndDecodeAsInTransformers() throws IOException {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                AddedTokensTest.class.getResourceAsStream("/tokenizers/added-tokens.jsonl"), StandardCharsets.UTF_8))) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                compare(JSON.readTree(line), Files.createDirectory(folder.resolve("line " + ++number)));
            }
            assertThat(number).isEqualTo(60);
        }
    }

    private static void compare(JsonNode line, Path folder) throws IOException {
        Map<String, Integer> vocabulary = vocabulary();
        for (Map.Entry<String, JsonNode> file : line.get("files").properties()) {
            if (file.getKey().equals("tokenizer.json")) {
                ((ObjectNode) file.getValue().get("model")).set("vocab", JSON.valueToTree(vocabulary));
            }
            Files.writeString(folder.resolve(file.getKey()), file.getValue().toString());
        }
        if (!line.get("files").has("tokenizer.json")) {
            Files.writeString(folder.resolve("vocab.json"), JSON.writeValueAsString(vocabulary));
            Files.writeString(folder.resolve("merges.txt"), MERGES);
        }
        ByteLevelBpe tokenizer = ByteLevelBpe.load(folder);
        if (!line.get("eos").isNull()) {
            assertThat(tokenizer.endOfText()).isEqualTo(line.get("eos").intValue());
        }
        for (JsonNode text : line.get("texts")) {
            int[] ids = JSON.convertValue(text.get(1), int[].class);
            assertThat(tokenizer.encode(text.get(0).textValue())).as("%s: %s", folder.getFileName(), text.get(0)).isEqualTo(ids);
            assertThat(tokenizer.decode(ids)).isEqualTo(text.get(2).textValue());
            assertThat(tokenizer.decodeText(ids)).isEqualTo(text.get(3).textValue());
        }
    }

    @Test
    void aChatsTokensAreOneIdEach() throws IOException {
        ByteLevelBpe tokenizer = load("added_tokens.json", "{\"<|pad|>\": 260, \"<|im_start|>\": 261, \"<|im_end|>\": 262}");
        assertThat(tokenizer.encode("<|im_start|>hi the<|im_end|>")).containsExactly(261, 'h', 'i', 258, 262);
        assertThat(tokenizer.vocabSize()).isEqualTo(263);
        assertThat(tokenizer.decode(261, 'h', 'i', 262)).isEqualTo("<|im_start|>hi<|im_end|>");
    }

    @Test
    void ofAnOrdinaryTextNothingIsRecognised() throws IOException {
        String text = "a <|im_end|><|endoftext|>";
        ByteLevelBpe tokenizer = load("added_tokens.json", "{\"<|im_end|>\": 260}",
                "tokenizer_config.json", "{\"add_bos_token\": true, \"add_prefix_space\": true}");
        assertThat(tokenizer.encodeOrdinary(text)).isEqualTo(text.chars().toArray());
        assertThat(tokenizer.encode(text)).containsExactly(259, ' ', 'a', ' ', 260, 259);
        assertThat(tokenizer.encodeContinuation(text)).containsExactly('a', ' ', 260, 259);
    }

    @Test
    void anIdWithoutATokenDecodesToNothing() throws IOException {
        assertThat(load().decode('a', 260, 5000, 'b')).isEqualTo("ab");
        assertThatThrownBy(() -> load().decode(-1)).hasMessageContaining("token id -1 is negative");
    }

    @Test
    void anIdThatTheModelHasNoRowForIsNamedWithItsToken() throws IOException {
        ByteLevelBpe tokenizer = load("added_tokens.json", "{\"<x>\": 260}");
        tokenizer.requireRows(261, tokenizer.encode("a<x>"));
        assertThatThrownBy(() -> tokenizer.requireRows(260, tokenizer.encode("a<x>"))).isInstanceOf(LoraException.class)
                .hasMessageContaining("turns '<x>' into token 260, and the model has 260 tokens (0 to 259)");
    }

    @Test
    void aFilesIdCountsAlsoWhereThereIsAGapBeforeIt() throws IOException {
        assertThat(load("added_tokens.json", "{\"<x>\": 300}").encode("<x>")).containsExactly(300);
    }

    @Test
    void filesThatContradictEachOtherAreRefused() throws IOException {
        assertRefused("added_tokens.json", "{\"<x>\": -1}", "'<x>' has id -1");
        assertRefused("added_tokens.json", "{\"<x>\": 2147483647}", "'<x>' has id 2147483647");
        assertRefused("added_tokens.json", "{\"<x>\": 260, \"<y>\": 260}", "'<x>' and '<y>' both have id 260");
        assertRefused("added_tokens.json", "{\"the\": 260}", "'the' has id 260 here, 257 in ");
        assertRefused("added_tokens.json", "{\"<x>\": 5}", "'<x>' has id 5 here, which is another token's in ");
        assertRefused("added_tokens.json", "{\"<x>\": \"260\"}", "expected the token's id");
        assertRefused("added_tokens.json", "{\"<x>\": 260", "line 1");
        assertRefused("special_tokens_map.json", "{\"eos_token\": 5}", "\"eos_token\" is 5, expected a token");
        assertRefused("tokenizer_config.json", "{\"add_bos_token\": \"yes\"}", "add_bos_token", "expected true or false");
        assertRefused("tokenizer_config.json", "{\"added_tokens_decoder\": {\"-1\": {\"content\": \"<x>\"}}}", "the id '-1'");
        assertRefused("tokenizer_config.json",
                "{\"added_tokens_decoder\": {\"260\": {\"content\": \"<x>\"}, \"261\": {\"content\": \"<x>\"}}}",
                "'<x>' has id 261 here, and 260 too");
        assertRefused("tokenizer_config.json", "{\"add_eos_token\": true}", "add_eos_token is true");
    }

    @Test
    void theEndOfTextIsWhatTheFilesNameOrTheModelsOwn() throws IOException {
        assertThat(load("special_tokens_map.json", "{\"eos_token\": \"the\"}").endOfText()).isEqualTo(257);
        assertThat(load("tokenizer_config.json", "{\"eos_token\": \"th\"}").endOfText()).isEqualTo(257); // the map comes first
        Files.delete(folder.resolve("special_tokens_map.json"));
        assertThat(load().endOfText()).isEqualTo(256);
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": null}");
        assertThatThrownBy(() -> load().endOfText()).isInstanceOf(LoraException.class).hasMessageContaining("no token <|endoftext|>");
        ByteLevelBpe tokenizer = load("config.json", "{\"eos_token_id\": 258}");
        assertThat(tokenizer.endOfText()).isEqualTo(258);
        assertThat(tokenizer.endOfTextToken()).isEqualTo(" the");
    }

    @Test
    void textsStopWhereTheGenerationConfigSaysElseTheConfigElseAtTheEndOfText() throws IOException {
        assertThat(load().stopIds()).containsExactly(259);
        assertThat(load("config.json", "{\"eos_token_id\": 7}").stopIds()).containsExactly(7);
        ByteLevelBpe both = load("generation_config.json", "{\"eos_token_id\": [9, 8]}");
        assertThat(both.stopIds()).containsExactly(9, 8);
        assertThat(both.stopIdsOfPairs()).containsExactly(259, 9, 8);
        assertThat(load("generation_config.json", "{}").stopIds()).containsExactly(259);
        assertRefused("generation_config.json", "{\"eos_token_id\": \"x\"}", "eos_token_id");
    }

    @Test
    void aTokenizerJsonWithAnythingElseIsRefusedByTheComponentsName() throws IOException {
        String model = ", \"model\": {\"type\": \"BPE\", \"vocab\": %s, \"merges\": [\"t h\"]}".formatted(
                JSON.writeValueAsString(vocabulary()));
        String rest = "\"decoder\": {\"type\": \"ByteLevel\"}, \"pre_tokenizer\": {\"type\": \"ByteLevel\"}";
        assertThat(load("tokenizer.json", "{" + rest + model + "}").encode("the<|endoftext|>")).containsExactly(256, 'e', 259);
        assertRefused("tokenizer.json", "{\"normalizer\": {\"type\": \"NFC\"}, " + rest + model + "}",
                "normalizer is of type 'NFC'", "take tokenizer.json away");
        assertRefused("tokenizer.json", "{" + rest.replaceFirst("ByteLevel\"}$", "Whitespace\"}") + model + "}",
                "pre_tokenizer is of type 'Whitespace'");
        assertRefused("tokenizer.json", "{" + rest + model.replace("BPE", "WordPiece") + "}", "model is of type 'WordPiece'");
        assertRefused("tokenizer.json", "{" + rest + model.replace("\"merges\"", "\"ignore_merges\": true, \"merges\"") + "}",
                "model.ignore_merges is true");
        assertRefused("tokenizer.json", "{" + rest + ", \"post_processor\": {\"type\": \"BertProcessing\"}" + model + "}",
                "post_processor is of type 'BertProcessing'");
        assertRefused("tokenizer.json", "{" + rest + model.replace("t h", "t") + "}", "merge 1 of model.merges is \"t\"");
    }

    @Test
    void aTokenizersFileThatCannotBeReadIsNamedWithTheReason() throws IOException {
        load();
        Files.write(folder.resolve("vocab.json"), new byte[] {'{', (byte) 0xFF, '}'});
        assertThatThrownBy(() -> ByteLevelBpe.load(folder))
                .hasMessage("cannot read " + folder.resolve("vocab.json") + ": it is not UTF-8 text");
        load();
        Files.delete(folder.resolve("merges.txt"));
        Files.createDirectory(folder.resolve("merges.txt"));
        assertThatThrownBy(() -> ByteLevelBpe.load(folder)).isInstanceOf(LoraException.class)
                .message().startsWith("cannot read " + folder.resolve("merges.txt") + ": ").doesNotEndWith(": ");
    }

    @Test
    void aMillionSpacesBeforeTokensThatTakeThemInTakeNoQuadraticTime() throws IOException {
        ByteLevelBpe tokenizer = load("tokenizer_config.json", """
                {"added_tokens_decoder": {"260": {"content": "\\t", "lstrip": true, "rstrip": true},
                 "261": {"content": " ", "rstrip": true}}}""");
        String text = " ".repeat(1_000_000) + "\t".repeat(1_000_000);
        assertThat(assertTimeoutPreemptively(Duration.ofSeconds(20), () -> tokenizer.encode(text)).length).isPositive();
    }
}
