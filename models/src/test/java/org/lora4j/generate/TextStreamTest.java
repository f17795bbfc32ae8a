package org.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.tokenizer.TestTokenizers;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;

class TextStreamTest {

    private static final Tokenizer TOKENIZER = TestTokenizers.GPT2;

    /** Pieces as they come; the last one is what finish gives. */
    private static List<String> pieces(int[] ids, String... stops) {
        TextStream stream = new TextStream(TOKENIZER, List.of(stops));
        List<String> pieces = new ArrayList<>();
        for (int id : ids) {
            if (!stream.isStopped()) {
                pieces.add(stream.add(id));
            }
        }
        pieces.add(stream.finish());
        return pieces;
    }

    /** Many of the first ids are single bytes, so characters are cut anywhere, and many bytes are none. */
    private static int[] ids(Random random) {
        return random.ints(1 + random.nextInt(40), 0, 1)
                .map(i -> random.nextInt(4) == 0 ? random.nextInt(TOKENIZER.vocabSize()) : random.nextInt(258)).toArray();
    }

    /** Llama's tokenizers write no space before the first word of a text, and one before the same token further on. */
    @Test
    void aSpaceThatOnlyTheFirstTokenLosesIsThereFurtherOn(@TempDir Path folder) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"added_tokens": [{"id": 0, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true}],
                 "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                   {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
                 "pre_tokenizer": null, "post_processor": null,
                 "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                   {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
                 "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": false,
                   "vocab": {"<unk>": 0, "▁": 1, "a": 2, "b": 3, "▁a": 4, "▁b": 5}, "merges": ["▁ a", "▁ b"]}}""");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"<unk>\"}");
        Tokenizer tokenizer = Tokenizers.json(folder);
        int[] ids = tokenizer.encode("a b a");
        assertThat(ids).containsExactly(4, 5, 4);
        TextStream stream = new TextStream(tokenizer, List.of());
        List<String> pieces = new ArrayList<>();
        for (int id : ids) {
            pieces.add(stream.add(id));
        }
        assertThat(pieces).containsExactly("a", " b", " a");
        assertThat(String.join("", pieces)).isEqualTo(tokenizer.decodeText(ids));
    }

    @Test
    void thePiecesTogetherAreTheDecodedText() {
        for (int seed = 0; seed < 3000; seed++) {
            int[] ids = ids(new Random(seed));
            List<String> pieces = pieces(ids);
            assertThat(String.join("", pieces)).as("seed %d", seed).isEqualTo(TOKENIZER.decodeText(ids));
            assertThat(pieces).noneMatch(piece -> !piece.isEmpty() && Character.isHighSurrogate(piece.charAt(piece.length() - 1)));
        }
    }

    @Test
    void aCharacterOfSeveralTokensAppearsWithItsLastOne() {
        int[] ids = TOKENIZER.encode("a😀é€");
        List<String> pieces = pieces(ids);
        assertThat(String.join("", pieces)).isEqualTo("a😀é€");
        assertThat(pieces).noneMatch(piece -> piece.contains("\ufffd"));
    }

    @Test
    void aTextEndsBeforeTheStopStringThatIsCompleteFirst() {
        String letters = "abcab \n";
        String[] stops = {"ab", "abc", "b\n", "ca", "\n\n", "bab", "aaaa"};
        for (int seed = 0; seed < 3000; seed++) {
            Random random = new Random(seed);
            StringBuilder text = new StringBuilder();
            List<Integer> ids = new ArrayList<>();
            while (text.length() < 12) { // in tokens of one to three letters
                StringBuilder some = new StringBuilder();
                for (int n = 1 + random.nextInt(3); n > 0; n--) {
                    some.append(letters.charAt(random.nextInt(letters.length())));
                }
                text.append(some);
                for (int id : TOKENIZER.encode(some.toString())) {
                    ids.add(id);
                }
            }
            String[] some = {stops[random.nextInt(stops.length)], stops[random.nextInt(stops.length)]};
            String expected = text.toString();
            for (int end = 1; end <= text.length(); end++) {
                String begun = text.substring(0, end);
                int cut = Integer.MAX_VALUE;
                for (String stop : some) {
                    cut = begun.endsWith(stop) ? Math.min(cut, end - stop.length()) : cut;
                }
                if (cut < Integer.MAX_VALUE) {
                    expected = text.substring(0, cut);
                    break;
                }
            }
            String written = String.join("", pieces(ids.stream().mapToInt(id -> id).toArray(), some));
            assertThat(written).as("%s until %s", text, List.of(some)).isEqualTo(expected);
        }
    }

    @Test
    void onlyWhatAStopStringMayBeginWithIsHeldBack() {
        TextStream stream = new TextStream(TOKENIZER, List.of("###"));
        StringBuilder shown = new StringBuilder();
        for (String part : List.of("one", "#", "#", " two", "##", "#", "gone")) {
            for (int id : TOKENIZER.encode(part)) {
                shown.append(stream.add(id));
            }
            shown.append('|');
        }
        assertThat(shown).hasToString("one|||## two||||");
        assertThat(stream.isStopped()).isTrue();
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void anEmptyStopStringIsRefused() {
        assertThatThrownBy(() -> new TextStream(TOKENIZER, List.of("a", ""))).isInstanceOf(LoraException.class)
                .hasMessageContaining("`stop`");
    }
}
