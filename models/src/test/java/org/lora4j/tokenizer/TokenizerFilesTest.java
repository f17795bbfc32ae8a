package org.lora4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;

/** Which files make which tokenizer, and what is refused. */
class TokenizerFilesTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String WORDS = """
            {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
             "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
             "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2, "[CLS]": 3, "[SEP]": 4, "[PAD]": 5},
                       "unk_token": "[UNK]"}}""";

    @TempDir
    private Path folder;

    private Tokenizer with(String field, String json) throws IOException {
        ObjectNode root = (ObjectNode) JSON.readTree(WORDS);
        root.set(field, JSON.readTree(json));
        write("tokenizer.json", root.toString());
        return Tokenizers.json(folder);
    }

    private void write(String file, String content) throws IOException {
        Files.writeString(folder.resolve(file), content);
    }

    /** A component, what is written there, and the place and the words of the message. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "version | `\"2.0\"` | version is \"2.0\", expected '1.0'",
        "normalizer | `{\"type\": \"Unicorn\"}` | normalizer.type is 'Unicorn', and no such normalizer is known here, but BertNormalizer",
        "normalizer | `{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"Strip\", \"strip_left\": 1}]}` | normalizer.normalizers[1].strip_left is 1, expected true or false",
        "normalizer | `{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAAA\"}` | normalizer.precompiled_charsmap is no table of replacements",
        "normalizer | `{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"*\"}` | normalizer.precompiled_charsmap is no table of replacements in base64",
        "normalizer | `{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"(a\"}, \"content\": \"\"}` | normalizer.pattern.Regex is an expression that cannot be read: a parenthesis is not closed",
        "normalizer | `[]` | normalizer is [], expected an object with a type",
        "pre_tokenizer | `{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\G\"}, \"behavior\": \"Isolated\", \"invert\": false}` | pre_tokenizer.pattern.Regex is an expression that cannot be read: it has \\G, which is not known here",
        "pre_tokenizer | `{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\"}, \"behavior\": \"Sideways\", \"invert\": false}` | pre_tokenizer.behavior is \"Sideways\", expected one of [removed, isolated",
        "pre_tokenizer | `{\"type\": \"Metaspace\", \"replacement\": \"ab\"}` | pre_tokenizer.replacement is \"ab\", expected one character",
        "pre_tokenizer | `{\"type\": \"Metaspace\", \"replacement\": \"_\", \"add_prefix_space\": false}` | contradict each other",
        "pre_tokenizer | `{\"type\": \"FixedLength\", \"length\": 0}` | pre_tokenizer.length is 0, expected at least 1",
        "post_processor | `{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"[X]\", \"type_id\": 0}}], \"pair\": [], \"special_tokens\": {}}` | post_processor.single[0].SpecialToken.id is \"[X]\", expected one of its special_tokens",
        "post_processor | `{\"type\": \"TemplateProcessing\", \"single\": [], \"pair\": [], \"special_tokens\": {}}` | post_processor.pair does not have both texts",
        "post_processor | `{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\"], \"cls\": [\"[CLS]\", 3]}` | post_processor.sep is [\"[SEP]\"], expected a token and its id",
        "post_processor | `{\"type\": \"Sequence\", \"processors\": [{\"type\": \"BertProcessing\", \"sep\": [\"s\", 4], \"cls\": [\"c\", 3]}, {\"type\": \"BertProcessing\", \"sep\": [\"s\", 4], \"cls\": [\"c\", 3]}]}` | post_processor.processors[1] is the second that puts tokens around a text",
        "decoder | `{\"type\": \"Magic\"}` | decoder.type is 'Magic', and no such decoder",
        "decoder | `{\"type\": \"Strip\", \"content\": \"a\", \"start\": -1, \"stop\": 0}` | decoder.start is -1, expected a whole number from 0 on",
        "added_tokens | `[{\"id\": 1, \"content\": \"x\", \"special\": true}]` | added_tokens[0].normalized is missing, expected true or false",
        "added_tokens | `[{\"id\": 7, \"content\": \"a\", \"special\": true, \"normalized\": false, \"lstrip\": false, \"rstrip\": false, \"single_word\": false}]` | gives 'a' the id 7, and the vocabulary 1",
        "added_tokens | `{}` | added_tokens is {}, expected a list",
        "model | `{\"type\": \"Neural\", \"vocab\": {}}` | model.type is 'Neural', and no such model",
        "model | `null` | model is null, expected an object",
        "model | `{\"type\": \"WordLevel\", \"vocab\": {\"a\": -1}, \"unk_token\": \"a\"}` | model.vocab gives token 'a' the id -1, expected a number from 0 on",
        "model | `{\"type\": \"WordLevel\", \"vocab\": {\"a\": \"1\"}, \"unk_token\": \"a\"}` | model.vocab gives token 'a' the id \"1\"",
        "model | `{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}` | model.merges[0] is \"a\", expected two tokens",
        "model | `{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [[\"a\", \"a\"]]}` | model.merges joins 'a' and 'a', but 'aa' is not in the vocabulary",
        "model | `{\"type\": \"BPE\", \"dropout\": 0.1, \"vocab\": {\"a\": 0}, \"merges\": []}` | model.dropout is 0.1, which leaves merges out at random",
        "model | `{\"type\": \"Unigram\", \"unk_id\": 3, \"vocab\": [[\"a\", -1.0]]}` | model.unk_id is 3, expected a number below 1",
        "model | `{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\"]]}` | model.vocab[0] is [\"a\"], expected a token and its score",
        "model | `{\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"a\", \"NaN\"]]}` | model.vocab[0][1] is \"NaN\", expected a number",
        "padding | `{\"direction\": \"Up\", \"pad_id\": 0, \"pad_type_id\": 0}` | padding.direction is \"Up\", expected one of [left, right]"})
    void whatIsNotKnownIsRefusedWithFileAndField(String field, String json, String message) {
        assertThatThrownBy(() -> with(field, json)).isInstanceOf(LoraException.class)
                .hasMessageStartingWith(folder.resolve("tokenizer.json").toString()).hasMessageContaining(message)
                .message().doesNotContain("\n");
    }

    @Test
    void componentsThatHoldEachOtherWithoutEndAreRefused() {
        String deep = "{\"type\": \"Sequence\", \"normalizers\": [".repeat(200) + "]}".repeat(200);
        assertThatThrownBy(() -> with("normalizer", deep)).isInstanceOf(LoraException.class)
                .hasMessageStartingWith(folder.resolve("tokenizer.json").toString()).hasMessageContaining("levels deep");
    }

    /** Whatever a byte of the file becomes, it is read or refused in one line, and soon. */
    @Test
    void aDamagedFileIsReadOrRefusedInOneLine() throws IOException {
        String whole = WORDS.replace("\"normalizer\": null", "\"normalizer\": {\"type\": \"BertNormalizer\", \"clean_text\": true, "
                + "\"handle_chinese_chars\": true, \"strip_accents\": null, \"lowercase\": true}");
        Random random = new Random(5);
        for (int i = 0; i < 400; i++) {
            StringBuilder damaged = new StringBuilder(whole);
            int at = random.nextInt(whole.length());
            switch (i % 3) {
                case 0 -> damaged.setCharAt(at, "{}[]\",:0a\\".charAt(random.nextInt(10)));
                case 1 -> damaged.setLength(at);
                default -> damaged.delete(at, Math.min(whole.length(), at + 1 + random.nextInt(12)));
            }
            write("tokenizer.json", damaged.toString());
            try {
                Tokenizers.json(folder).encode("a b");
            } catch (LoraException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
            }
        }
    }

    @Test
    void aDamagedSentencePieceModelIsReadOrRefusedInOneLine() throws IOException {
        byte[] whole = PipelineGoldenTest.class.getResourceAsStream("/tokenizers/pipeline/unigram/spm.model").readAllBytes();
        Random random = new Random(6);
        for (int i = 0; i < 300; i++) {
            byte[] damaged = i % 2 == 0 ? java.util.Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            for (int k = 0; k < 3 && damaged.length > 0; k++) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            Files.write(folder.resolve("spm.model"), damaged);
            try {
                Tokenizers.sentencePiece(folder).decode(Tokenizers.sentencePiece(folder).encode("the  ferry man ﬁ"));
            } catch (LoraException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
            }
        }
    }

    @Test
    void aTextWithoutEndTakesTimeInProportion() throws IOException {
        Tokenizer words = with("normalizer", "{\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, "
                + "\"strip_accents\": null, \"lowercase\": true}");
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            for (String piece : new String[] {"a", " ", "é", "\u0301", "\0", "中", "👍", "a ", "."}) {
                words.encode(piece.repeat(300_000));
            }
        });
    }

    // ------------------------------------------------------------------------------------------------ which files count

    @Test
    void vocabTxtIsReadWhereThereIsNoTokenizerJson() throws IOException {
        write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nun\n##aff\n##able\n.\n");
        Tokenizer bert = Tokenizers.bert(folder, true);
        Encoding pair = bert.encodePair("The unaffable.", "the [MASK] x", Truncation.NONE);
        assertThat(pair.ids()).containsExactly(2, 5, 6, 7, 8, 9, 3, 5, 4, 1, 3);
        assertThat(pair.typeIds()).containsExactly(0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1);
        assertThat(pair.special()).containsExactly(true, false, false, false, false, false, true, false, false, false, true);
        assertThat(pair.cut()).isZero();
        assertThat(bert.padding()).isEqualTo(new Padding(0, 0, Side.RIGHT));
        assertThat(bert.decodeText(pair.ids())).isEqualTo("the unaffable. the");
        assertThat(bert.vocabSize()).isEqualTo(10);
        assertThat(bert.isSpecial(3)).isTrue();
        assertThat(bert.stopIds()).isEqualTo(Set.of(3));
        assertThat(Tokenizers.bert(folder, false).encodePair("the", "the", Truncation.NONE).typeIds()).containsOnly(0);

        write("tokenizer_config.json", "{\"do_lower_case\": false, \"model_max_length\": 512, \"padding_side\": \"left\"}");
        Tokenizer cased = Tokenizers.bert(folder, true);
        assertThat(cased.encode("The the")).containsExactly(2, 1, 5, 3);
        assertThat(cased.maxLength()).hasValue(512);
        assertThat(cased.padding().side()).isEqualTo(Side.LEFT);
        assertThat(cased.fingerprint()).isNotEqualTo(bert.fingerprint());

        write("tokenizer.json", WORDS);
        assertThat(Tokenizers.bert(folder, true).encode("a b c")).containsExactly(1, 2, 0);
    }

    @Test
    void textsAreCutInThreeWaysFromEitherSide() throws IOException {
        write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nd\ne\nf\n");
        Tokenizer bert = Tokenizers.bert(folder, true);
        assertCut(bert, Truncation.longestFirst(7), 2, 5, 6, 3, 9, 10, 3);
        assertCut(bert, Truncation.longestFirst(7).from(Side.LEFT), 2, 7, 8, 3, 9, 10, 3);
        assertCut(bert, Truncation.onlyFirst(7), 2, 5, 6, 3, 9, 10, 3);
        assertCut(bert, Truncation.onlySecond(8), 2, 5, 6, 7, 8, 3, 9, 3);
        assertCut(bert, Truncation.longestFirst(3), 2, 3, 3);
        assertThat(bert.encodePair("a b c d", null, Truncation.onlyFirst(4)).cut()).isEqualTo(2);
        assertThatThrownBy(() -> bert.encodePair("a b", null, Truncation.onlySecond(3))).isInstanceOf(LoraException.class)
                .hasMessageContaining("the second text is to be cut, and there is none");
        assertThatThrownBy(() -> bert.encodePair("a b c d", "e f", Truncation.onlySecond(5))).isInstanceOf(LoraException.class)
                .hasMessageContaining("only the second text is to be cut, and of its 2 tokens 4 are too many");
        assertThatThrownBy(() -> bert.encodePair("a", "b", Truncation.longestFirst(2))).isInstanceOf(LoraException.class)
                .hasMessageContaining("3 of them are special tokens");
    }

    private static void assertCut(Tokenizer bert, Truncation truncation, int... ids) {
        Encoding cut = bert.encodePair("a b c d", "e f", truncation);
        assertThat(cut.ids()).as(truncation.toString()).containsExactly(ids);
        assertThat(cut.cut()).isEqualTo(9 - ids.length);
    }

    @Test
    void robertasNumberingIsThatOfItsOwnFiles() throws IOException {
        StringBuilder vocab = new StringBuilder("{\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2, \"<unk>\": 3");
        int id = 4;
        for (int b = 0; b < 256; b++) {
            vocab.append(", ").append(JSON.writeValueAsString(org.lora4j.tokenizer.pipeline.ByteAlphabet.letter(b))).append(": ")
                    .append(id++);
        }
        write("vocab.json", vocab.append(", \"ab\": 260, \"<mask>\": 261}").toString());
        write("merges.txt", "#version: 0.2\na b\n");
        Tokenizer roberta = Tokenizers.roberta(folder);
        int a = 4 + 'a';
        assertThat(roberta.encode("ab")).containsExactly(0, 260, 2);
        assertThat(roberta.encodePair("a", "ab <mask>", Truncation.NONE).ids()).containsExactly(0, a, 2, 2, 260, 261, 2);
        assertThat(roberta.encodePair("a", "b", Truncation.NONE).typeIds()).containsOnly(0);
        assertThat(roberta.padding().id()).isEqualTo(1);
        assertThat(roberta.decodeText(0, 260, 2)).isEqualTo("ab");

        write("tokenizer_config.json", "{\"add_prefix_space\": true}");
        assertThat(Tokenizers.roberta(folder).encode("a")).containsExactly(0, 4 + ' ', a, 2);
    }

    @Test
    void namesInTheFilesBesideMakeTokensSpecialAndAddThem() throws IOException {
        write("tokenizer_config.json", "{\"pad_token\": \"[PAD]\", \"eos_token\": {\"content\": \"<end>\", \"lstrip\": true}, "
                + "\"extra_special_tokens\": [\"b\"], \"model_input_names\": [\"input_ids\", \"attention_mask\"]}");
        Tokenizer words = with("decoder", "null");
        assertThat(words.encode("a b <end>")).containsExactly(1, 2, 6);
        assertThat(words.endOfText()).isEqualTo(6);
        assertThat(words.endOfTextToken()).isEqualTo("<end>");
        assertThat(words.isSpecial(2)).isTrue();
        assertThat(words.padding()).isEqualTo(new Padding(5, 0, Side.RIGHT));
        assertThat(words.encodePair("a", "b", Truncation.NONE).typeIds()).containsOnly(0);
        assertThat(words.encodeOrdinary("<end>")).containsExactly(0);
    }

    @Test
    void aFolderWithoutATokenizerSaysWhichFilesAreMissing() {
        assertThatThrownBy(() -> Tokenizers.json(folder)).hasMessageContaining("no tokenizer.json there");
        assertThatThrownBy(() -> Tokenizers.bert(folder, true)).hasMessageContaining("neither tokenizer.json nor vocab.txt there");
        assertThatThrownBy(() -> Tokenizers.roberta(folder)).isInstanceOf(LoraException.class).hasMessageContaining("vocab.json");
        assertThatThrownBy(() -> Tokenizers.debertaV2(folder)).hasMessageContaining("nor spm.model");
    }
}
