package org.lora4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.pipeline.ByteAlphabet;

class ByteLevelBpeTest {

    private static final ByteLevelBpe GPT2 = TestTokenizers.GPT2;

    /** The 256 bytes and what the tests below join. */
    private static Map<String, Integer> vocabulary(String... joined) {
        Map<String, Integer> ids = new TreeMap<>();
        IntStream.range(0, 256).forEach(b -> ids.put(ByteAlphabet.letter(b), b));
        for (String token : joined) {
            ids.put(token, ids.size());
        }
        return ids;
    }

    private static ByteLevelBpe tokenizer(Map<String, Integer> vocabulary, String merges) {
        return load(json(vocabulary), merges);
    }

    private static String json(Map<String, Integer> vocabulary) {
        return vocabulary.entrySet().stream()
                .map(entry -> "\"" + entry.getKey().replace("\\", "\\\\").replace("\"", "\\\"") + "\":" + entry.getValue())
                .collect(Collectors.joining(",", "{", "}"));
    }

    private static ByteLevelBpe load(String vocabulary, String merges) {
        try {
            return ByteLevelBpe.load("vocab.json", new StringReader(vocabulary), "merges.txt", new StringReader(merges));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void knowsGpt2sSizeAndItsEndOfText() {
        assertThat(GPT2.vocabSize()).isEqualTo(50257);
        assertThat(GPT2.endOfText()).isEqualTo(50256);
        assertThat(GPT2.decode(50256)).isEqualTo("<|endoftext|>");
    }

    @Test
    void endOfTextWrittenOutIsItsIdAndInAnOrdinaryTextItIsNot() {
        String text = "a<|endoftext|> b<|endoftext|>";
        assertThat(GPT2.encode(text)).containsExactly(64, 50256, 275, 50256);
        assertThat(GPT2.encodeOrdinary(text)).doesNotContain(50256);
        assertThat(GPT2.decode(GPT2.encodeOrdinary(text))).isEqualTo(text);
        assertThat(GPT2.decodeText(GPT2.encode(text))).isEqualTo("a b");
    }

    @Test
    void unicodeWhiteSpaceIsWhiteSpaceAndSupplementaryLettersAreLetters() {
        // no-break space, ideographic space, next line; then letters and digits beyond the basic plane
        for (String text : new String[] {"a\u00a0\u00a0b", "a\u3000\u3000b", "a\u0085b", "\ud835\udd04\ud835\udd05 \ud835\udfd8"}) {
            assertThat(GPT2.decode(GPT2.encode(text))).isEqualTo(text);
        }
        assertThat(words("a\u3000\u3000b")).containsExactly("a", "\u3000", "\u3000", "b");
        assertThat(words("\ud835\udd04\ud835\udd05 \ud835\udfd8")).containsExactly("\ud835\udd04\ud835\udd05", " \ud835\udfd8");
    }

    private static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        PreTokenizer.forEachWord(text, words::add);
        return words;
    }

    @Test
    void halfASurrogatePairBecomesTheReplacementCharacter() {
        assertThat(GPT2.decode(GPT2.encode("a\ud800b\udc00"))).isEqualTo("a\ufffdb\ufffd");
    }

    @Test
    void idsThatBreakInsideACharacterGiveItsBytesAndAReplacementCharacterAsText() {
        int[] ids = GPT2.encode("\u1794"); // three bytes, of which no two are one token
        assertThat(GPT2.decodeBytes(ids)).isEqualTo("\u1794".getBytes(StandardCharsets.UTF_8));
        assertThat(GPT2.decode(ids[0])).isEqualTo("\ufffd");
    }

    /** Here (a, bc) is joined everywhere before (abc, a), although that has the lower rank as soon as one abc is there. */
    @Test
    void aPairIsJoinedInTheWholeWordBeforeTheNextIsChosen() {
        ByteLevelBpe bpe = tokenizer(vocabulary("bc", "abca", "abc"), "b c\nabc a\na bc\n");
        assertThat(bpe.encode("abcabc")).containsExactly(258, 258);
    }

    @Test
    void equalNeighboursJoinFromTheLeft() {
        ByteLevelBpe bpe = tokenizer(vocabulary("aa", "aaaa"), "a a\naa aa\n");
        assertThat(bpe.encode("aaaaaaa")).containsExactly(257, 256, 'a');
    }

    @Test
    void onlyTheFirstLineOfMergesIsAComment() {
        ByteLevelBpe bpe = tokenizer(vocabulary("##"), "#version: 0.2\n# #\n");
        assertThat(bpe.encode("###")).containsExactly(256, '#');
    }

    @Test
    void aWordOfAMillionLettersTakesNoQuadraticTime() {
        String word = "abcdefghij".repeat(100_000);
        int[] ids = assertTimeoutPreemptively(Duration.ofSeconds(30), () -> GPT2.encode(word));
        assertThat(GPT2.decode(ids)).isEqualTo(word);
    }

    @Test
    void equalFilesHaveEqualFingerprintsAndAnotherOrderOfMergesAnother() {
        String merges = "a a\nb b\n";
        String fingerprint = tokenizer(vocabulary("aa", "bb"), merges).fingerprint();
        assertThat(tokenizer(vocabulary("aa", "bb"), "#version: 0.2\n" + merges).fingerprint()).isEqualTo(fingerprint);
        assertThat(tokenizer(vocabulary("aa", "bb"), "b b\na a\n").fingerprint()).isNotEqualTo(fingerprint);
        assertThat(tokenizer(vocabulary("bb", "aa"), merges).fingerprint()).isNotEqualTo(fingerprint);
    }

    @Test
    void loadsAFolderWithEitherNameOfTheMerges(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> ByteLevelBpe.load(folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("no vocab.json");
        Files.writeString(folder.resolve("vocab.json"), "{}");
        assertThatThrownBy(() -> ByteLevelBpe.load(folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("neither merges.txt nor vocab.bpe");
        Files.writeString(folder.resolve("vocab.bpe"), "");
        assertThatThrownBy(() -> ByteLevelBpe.load(folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("for the byte 00; byte-level BPE needs all 256");
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheFiles(@TempDir Path folder) throws IOException {
        Map<String, Integer> vocabulary = vocabulary("aa");
        Files.writeString(folder.resolve("vocab.json"), "\ufeff" + json(vocabulary));
        Files.writeString(folder.resolve("merges.txt"), "\ufeffa a\n");
        assertThat(ByteLevelBpe.load(folder).fingerprint()).isEqualTo(tokenizer(vocabulary, "a a\n").fingerprint());
    }

    @Test
    void errorsNameTheFileTheLineAndWhatIsThere() {
        assertThatThrownBy(() -> tokenizer(vocabulary("aa"), "#version: 0.2\na a\na a a\n"))
                .hasMessage("merges.txt, line 3: expected two tokens with one space between them, such as 'Ġ t', found 'a a a'");
        assertThatThrownBy(() -> tokenizer(vocabulary("aa"), "a b\n"))
                .hasMessageContaining("merges.txt, line 1: 'a' and 'b' join to 'ab', but 'ab' is not in vocab.json");
        assertThatThrownBy(() -> load("{\"a\": [1]}", "")).hasMessageContaining("vocab.json, line 1: expected a JSON object");
        assertThatThrownBy(() -> load("{\"a\": 1} {\"b\": 2}", "")).hasMessageContaining("Trailing token");
        assertThatThrownBy(() -> load("{\"a\": 1, \"b\": 1}", "")).hasMessageContaining("two tokens have id 1");
        assertThatThrownBy(() -> load("{\"a\": -1}", "")).hasMessageContaining("token 'a' has id -1");
        assertThatThrownBy(() -> load("{\"a\": null}", "")).hasMessageContaining("token 'a' has id null");
        assertThatThrownBy(() -> GPT2.decode(-1)).hasMessageContaining("token id -1 is negative");
        assertThatThrownBy(() -> tokenizer(vocabulary(), "").endOfText()).hasMessageContaining("no token <|endoftext|>");
    }
}
