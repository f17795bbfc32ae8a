package org.lora4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import org.lora4j.LoraException;

/**
 * Compares a folder's tokenizer with what Hugging Face's gives, for as many texts as are in {@code expected.jsonl} there;
 * {@code tests/golden/make_tokenizers.py compare} writes that file. Not run by the tests, since real tokenizers are large and
 * other people's.
 *
 * <pre>
 *   java … org.lora4j.tokenizer.CompareTokenizer FOLDER [bert | roberta | deberta | sentencepiece | json]
 * </pre>
 */
public final class CompareTokenizer {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int SHOWN = 8;

    private final Tokenizer tokenizer;
    private final List<String> shown = new ArrayList<>();
    private final TreeMap<String, Integer> different = new TreeMap<>();
    private final TreeMap<String, Integer> same = new TreeMap<>();

    CompareTokenizer(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
    }

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        String kind = args.length > 1 ? args[1] : "json";
        CompareTokenizer comparison = new CompareTokenizer(load(folder, kind));
        comparison.compareAll(folder.resolve("expected.jsonl"));
        comparison.shown.forEach(System.out::println);
        System.out.println(folder + " (" + kind + "): equal " + comparison.same + ", different " + comparison.different);
        if (!comparison.different.isEmpty()) {
            System.exit(1);
        }
    }

    static Tokenizer load(Path folder, String kind) {
        return switch (kind) {
            case "bert" -> Tokenizers.bert(folder, true);
            case "roberta" -> Tokenizers.roberta(folder);
            case "deberta" -> Tokenizers.debertaV2(folder);
            case "sentencepiece" -> Tokenizers.sentencePiece(folder);
            default -> Tokenizers.json(folder);
        };
    }

    private void compareAll(Path expected) throws IOException {
        try (BufferedReader lines = Files.newBufferedReader(expected)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                compare(JSON.readTree(line));
            }
        }
    }

    /** What a line of expected values says, against what comes out here. */
    void compare(JsonNode line) {
        String text = line.get("a").asText();
        int[] plain = ints(line.get("plain"));
        check("ids", text, ints(line.get("ids")), tokenizer.encode(text));
        check("plain", text, plain, tokenizer.encodeContinuation(text));
        if (!line.get("decoded").isNull()) { // SentencePiece writes what is unknown otherwise, and some decoders panic
            checkText("decoded", text, line.get("decoded").asText(), tokenizer.decode(plain));
        }
        if (!line.get("text").isNull()) {
            checkText("text", text, line.get("text").asText(), tokenizer.decodeText(ints(line.get("ids"))));
        }
        if (line.has("b")) {
            String first = line.get("a2").asText();
            String second = line.get("b").asText();
            Encoding pair = tokenizer.encodePair(first, second, Truncation.NONE);
            check("pair", first + " / " + second, ints(line.get("pair")), pair.ids());
            check("types", first + " / " + second, ints(line.get("types")), pair.typeIds());
            int[] special = new int[pair.length()];
            Arrays.setAll(special, i -> pair.special()[i] ? 1 : 0);
            check("special", first + " / " + second, ints(line.get("special")), special);
            compareCut(line, first, second);
        }
        if (line.has("rand")) {
            checkText("random", line.get("rand").toString(), line.get("randtext").asText(), tokenizer.decode(ints(line.get("rand"))));
        }
    }

    private void compareCut(JsonNode line, String first, String second) {
        Truncation truncation = new Truncation(line.get("max").asInt(),
                Truncation.Which.valueOf(line.get("which").asText().toUpperCase(Locale.ROOT)),
                Side.valueOf(line.get("side").asText().toUpperCase(Locale.ROOT)));
        try {
            Encoding cut = tokenizer.encodePair(first, second, truncation);
            check("cut", truncation + " " + first + " / " + second,
                    line.get("cut").isNull() ? new int[] {-1} : ints(line.get("cut")), cut.ids());
        } catch (LoraException e) {
            checkText("refused", truncation + " " + first + " / " + second, line.get("cut").isNull() ? "" : line.get("cut").toString(), "");
        }
    }

    private void check(String what, String text, int[] expected, int[] found) {
        checkText(what, text, Arrays.toString(expected), Arrays.toString(found));
    }

    private void checkText(String what, String text, String expected, String found) {
        if (expected.equals(found)) {
            same.merge(what, 1, Integer::sum);
            return;
        }
        if (different.merge(what, 1, Integer::sum) <= SHOWN) {
            shown.add(what + " of " + shown(text) + "\n   expected " + shown(expected) + "\n   found    " + shown(found));
        }
    }

    /** The first few differences, in words; none if there are none. */
    List<String> differences() {
        return shown;
    }

    /** How many values were equal. */
    int equal() {
        return same.values().stream().mapToInt(Integer::intValue).sum();
    }

    private static String shown(String text) {
        StringBuilder shown = new StringBuilder();
        text.codePoints().limit(300).forEach(c -> shown.append(c < 32 || c > 126 ? "\\u{%X}".formatted(c) : Character.toString(c)));
        return shown.toString();
    }

    private static int[] ints(JsonNode list) {
        int[] values = new int[list.size()];
        Arrays.setAll(values, i -> list.get(i).asInt());
        return values;
    }
}
