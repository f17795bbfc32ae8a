package org.lora4j.tokenizer.pipeline;

import java.text.Normalizer.Form;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Reads {@code normalizer} of a {@code tokenizer.json}. */
public final class NormalizerReader {

    private static final List<String> KNOWN = List.of("BertNormalizer", "Strip", "StripAccents", "NFC", "NFD", "NFKC", "NFKD",
            "Sequence", "Lowercase", "Nmt", "Precompiled", "Replace", "Prepend", "ByteLevel");

    private NormalizerReader() {
    }

    /** @throws org.lora4j.io.FormatException that names the place of what is wrong or not known */
    public static Normalizer read(JsonPart part) {
        if (part.isMissing()) {
            return Normalizer.NONE;
        }
        return switch (part.type()) {
            case "BertNormalizer" -> bert(part);
            case "Strip" -> new Rewriting.Strip(part.get("strip_left").flag(), part.get("strip_right").flag());
            case "StripAccents" -> Filter.ACCENTS;
            case "NFC", "NFD", "NFKC", "NFKD" -> new UnicodeForm(Form.valueOf(part.type()));
            case "Sequence" -> sequence(part.get("normalizers").list());
            case "Lowercase" -> Rewriting.LOWERCASE;
            case "Nmt" -> Rewriting.NMT;
            case "Precompiled" -> charsMap(part.get("precompiled_charsmap"));
            case "Replace" -> new Replacement(SplitterReader.pattern(part.get("pattern")), part.get("content").text());
            case "Prepend" -> new Rewriting.Prepend(part.get("prepend").text());
            case "ByteLevel" -> Rewriting.BYTE_LEVEL;
            default -> throw part.unknownType("normalizer", KNOWN);
        };
    }

    private static Normalizer bert(JsonPart part) {
        boolean lowercase = part.get("lowercase").flag();
        return new BertCleaning(part.get("clean_text").flag(), part.get("handle_chinese_chars").flag(),
                part.get("strip_accents").flag(lowercase), lowercase);
    }

    private static Normalizer sequence(List<JsonPart> parts) {
        List<Normalizer> normalizers = new ArrayList<>();
        parts.forEach(part -> normalizers.add(read(part)));
        return Normalizer.sequence(normalizers);
    }

    private static Normalizer charsMap(JsonPart part) {
        if (part.isMissing() || part.isText() && part.text().isEmpty()) {
            return Normalizer.NONE;
        }
        try {
            return CharsMap.of(Base64.getDecoder().decode(part.text()));
        } catch (IllegalArgumentException e) {
            throw part.error("is no table of replacements in base64: " + e.getMessage());
        }
    }
}
