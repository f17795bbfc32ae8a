package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads {@code pre_tokenizer} of a {@code tokenizer.json}. */
public final class SplitterReader {

    private static final List<String> KNOWN = List.of("BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Metaspace",
            "Whitespace", "Sequence", "Split", "Punctuation", "WhitespaceSplit", "Digits", "UnicodeScripts", "FixedLength");
    private static final int SHORT_BY_DEFAULT = 5;

    private SplitterReader() {
    }

    /** @throws org.lora4j.io.FormatException that names the place of what is wrong or not known */
    public static Splitter read(JsonPart part) {
        if (part.isMissing()) {
            return Splitter.NONE;
        }
        return switch (part.type()) {
            case "BertPreTokenizer" -> Cutting.BERT;
            case "ByteLevel" -> new WordCuts.ByteLevel(part.get("add_prefix_space").flag(), part.get("use_regex").flag(true));
            case "CharDelimiterSplit", "Delimiter" -> delimiter(part.get("delimiter").character());
            case "Metaspace" -> metaspace(part);
            case "Whitespace" -> WordCuts.WHITESPACE;
            case "WhitespaceSplit" -> Cutting.WHITESPACE;
            case "Sequence" -> sequence(part.get("pretokenizers").list());
            case "Split" -> split(part);
            case "Punctuation" -> new Cutting(TextPattern.characters(Characters::isPunctuation), behavior(part));
            case "Digits" -> new Cutting(TextPattern.characters(Characters::isNumeric),
                    part.get("individual_digits").flag() ? Cutting.Behavior.ISOLATED : Cutting.Behavior.CONTIGUOUS);
            case "UnicodeScripts" -> WordCuts.SCRIPTS;
            case "FixedLength" -> fixed(part.get("length"));
            default -> throw part.unknownType("pre-tokenizer", KNOWN);
        };
    }

    private static Splitter sequence(List<JsonPart> parts) {
        List<Splitter> splitters = new ArrayList<>();
        parts.forEach(part -> splitters.add(read(part)));
        return Splitter.sequence(splitters);
    }

    private static Splitter delimiter(int delimiter) {
        return new Cutting(TextPattern.characters(c -> c == delimiter), Cutting.Behavior.REMOVED);
    }

    private static Cutting.Behavior behavior(JsonPart part) {
        JsonPart behavior = part.get("behavior");
        return behavior.isMissing() ? Cutting.Behavior.ISOLATED : behavior.oneOf(Cutting.Behavior.class);
    }

    private static Splitter split(JsonPart part) {
        TextPattern pattern = pattern(part.get("pattern"));
        return new Cutting(part.get("invert").flag() ? pattern.inverted() : pattern,
                part.get("behavior").oneOf(Cutting.Behavior.class));
    }

    private static Splitter fixed(JsonPart length) {
        int characters = length.isMissing() ? SHORT_BY_DEFAULT : length.whole();
        if (characters == 0) {
            throw length.wrong("at least 1");
        }
        return new WordCuts.FixedLength(characters);
    }

    /** Also the decoder of that name. */
    static Metaspace metaspace(JsonPart part) {
        JsonPart scheme = part.get("prepend_scheme");
        Metaspace.Scheme found = scheme.isMissing() ? Metaspace.Scheme.ALWAYS : scheme.oneOf(Metaspace.Scheme.class);
        if (!part.get("add_prefix_space").flag(true)) {
            if (found != Metaspace.Scheme.NEVER) {
                throw part.error("has add_prefix_space false and prepend_scheme " + found.name().toLowerCase(Locale.ROOT)
                        + ", which contradict each other");
            }
        }
        return new Metaspace(part.get("replacement").character(), found, part.get("split").flag(true));
    }

    /** {@code {"String": "…"}} or {@code {"Regex": "…"}}. */
    static TextPattern pattern(JsonPart part) {
        if (part.names("String")) {
            return TextPattern.literal(part.get("String").text());
        }
        JsonPart regex = part.get("Regex");
        try {
            return TextPattern.regex(Oniguruma.compile(regex.text()));
        } catch (IllegalArgumentException e) {
            throw regex.error("is an expression that cannot be read: " + e.getMessage());
        }
    }
}
