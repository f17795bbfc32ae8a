package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.List;

/** Reads {@code decoder} of a {@code tokenizer.json}. */
public final class DecoderReader {

    private static final List<String> KNOWN = List.of("BPEDecoder", "ByteLevel", "WordPiece", "Metaspace", "CTC", "Sequence",
            "Replace", "Fuse", "Strip", "ByteFallback");

    /** Tokens with a space between them: what comes out where a file has no decoder. */
    private static final TokenDecoder SPACES = tokens -> List.of(String.join(" ", tokens));

    private DecoderReader() {
    }

    /** @throws org.lora4j.io.FormatException that names the place of what is wrong or not known */
    public static TokenDecoder read(JsonPart part) {
        if (part.isMissing()) {
            return SPACES;
        }
        return switch (part.type()) {
            case "BPEDecoder" -> Decoders.bpe(part.get("suffix").text());
            case "ByteLevel" -> Decoders.BYTE_LEVEL;
            case "WordPiece" -> Decoders.wordPiece(part.get("prefix").text(), part.get("cleanup").flag());
            case "Metaspace" -> SplitterReader.metaspace(part);
            case "CTC" -> Decoders.ctc(part.get("pad_token").text(), part.get("word_delimiter_token").text(),
                    part.get("cleanup").flag());
            case "Sequence" -> sequence(part.get("decoders").list());
            case "Replace" -> new Replacement(SplitterReader.pattern(part.get("pattern")), part.get("content").text());
            case "Fuse" -> Decoders.FUSE;
            case "Strip" -> Decoders.strip(part.get("content").character(), part.get("start").whole(), part.get("stop").whole());
            case "ByteFallback" -> Decoders.BYTE_FALLBACK;
            default -> throw part.unknownType("decoder", KNOWN);
        };
    }

    private static TokenDecoder sequence(List<JsonPart> parts) {
        List<TokenDecoder> decoders = new ArrayList<>();
        parts.forEach(part -> decoders.add(read(part)));
        return decoders.size() == 1 ? decoders.getFirst() : Decoders.sequence(decoders);
    }
}
