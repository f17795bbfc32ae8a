package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;

/** Reads {@code model} of a {@code tokenizer.json}. */
public final class ModelReader {

    private static final List<String> KNOWN = List.of("BPE", "WordPiece", "WordLevel", "Unigram");
    private static final int LONGEST_WORD = 100;
    private static final String VERSION_LINE = "#version";

    private ModelReader() {
    }

    /** @throws org.lora4j.io.FormatException that names the place of what is wrong or not known */
    public static SubwordModel read(JsonPart part) {
        return switch (part.get("type").isMissing() ? guessedType(part) : part.type()) {
            case "BPE" -> bpe(part);
            case "WordPiece" -> new WordPiece(part.get("vocab").ids(), part.get("unk_token").textIfThere().orElse("[UNK]"),
                    part.get("continuing_subword_prefix").textIfThere().orElse("##"), longest(part));
            case "WordLevel" -> new WordLevel(part.get("vocab").ids(), part.get("unk_token").textIfThere().orElse("<unk>"));
            case "Unigram" -> unigram(part);
            default -> throw part.unknownType("model", KNOWN);
        };
    }

    /** Files of old versions leave the type out. */
    private static String guessedType(JsonPart part) {
        return part.names("merges") ? "BPE" : part.get("vocab").isList() ? "Unigram"
                : part.names("continuing_subword_prefix") ? "WordPiece" : "WordLevel";
    }

    private static int longest(JsonPart part) {
        JsonPart longest = part.get("max_input_chars_per_word");
        return longest.isMissing() ? LONGEST_WORD : longest.whole();
    }

    private static SubwordModel unigram(JsonPart part) {
        List<JsonPart> entries = part.get("vocab").list();
        List<String> tokens = new ArrayList<>(entries.size());
        double[] scores = new double[entries.size()];
        for (JsonPart entry : entries) {
            List<JsonPart> pair = entry.list();
            if (pair.size() != 2) {
                throw entry.wrong("a token and its score");
            }
            scores[tokens.size()] = pair.get(1).number();
            tokens.add(pair.getFirst().text());
        }
        JsonPart unknown = part.get("unk_id");
        if (!unknown.isMissing() && unknown.whole() >= tokens.size()) {
            throw unknown.wrong("a number below " + tokens.size() + ", the size of the vocabulary");
        }
        return new Unigram(tokens, scores, unknown.isMissing() ? null : unknown.whole(), part.get("byte_fallback").flag(false));
    }

    private static SubwordModel bpe(JsonPart part) {
        JsonPart dropout = part.get("dropout");
        if (!dropout.isMissing() && dropout.number() != 0) {
            throw dropout.error("is " + dropout.number() + ", which leaves merges out at random: one text would have other ids "
                    + "each time. Set it to null");
        }
        Map<String, Integer> vocabulary = part.get("vocab").ids();
        List<JsonPart> entries = part.get("merges").list();
        List<Bpe.Merge> merges = new ArrayList<>(entries.size());
        for (JsonPart entry : entries) {
            if (!entry.isText() || !entry.text().startsWith(VERSION_LINE)) {
                merges.add(merge(entry));
            }
        }
        Bpe.Options options = new Bpe.Options(part.get("unk_token").textIfThere().orElse(null), part.get("fuse_unk").flag(false),
                part.get("continuing_subword_prefix").textIfThere().orElse(""),
                part.get("end_of_word_suffix").textIfThere().orElse(""), part.get("byte_fallback").flag(false),
                part.get("ignore_merges").flag(false));
        try {
            return new Bpe(vocabulary, merges, options);
        } catch (LoraException e) {
            throw part.get("merges").error(e.getMessage());
        }
    }

    private static Bpe.Merge merge(JsonPart entry) {
        String expected = "two tokens, such as [\"Ġ\", \"t\"]";
        if (entry.isText()) {
            String[] pair = entry.text().split(" ", -1);
            if (pair.length != 2) {
                throw entry.wrong(expected);
            }
            return new Bpe.Merge(pair[0], pair[1]);
        }
        List<JsonPart> pair = entry.list();
        if (pair.size() != 2) {
            throw entry.wrong(expected);
        }
        return new Bpe.Merge(pair.getFirst().text(), pair.getLast().text());
    }
}
