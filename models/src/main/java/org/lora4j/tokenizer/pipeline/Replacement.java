package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.List;

/** Puts a text in place of everything that a pattern finds, as a normalizer and as a decoder. */
public final class Replacement implements Normalizer, TokenDecoder {

    private final TextPattern pattern;
    private final String content;

    public Replacement(TextPattern pattern, String content) {
        this.pattern = pattern;
        this.content = content;
    }

    @Override
    public String normalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        String literal = pattern.literal();
        if (literal != null && !literal.isEmpty()) {
            return text.replace(literal, content);
        }
        StringBuilder result = new StringBuilder(text.length());
        pattern.forEach(text, (from, to, found) -> result.append(found ? content : text.substring(from, to)));
        return result.toString();
    }

    /** What stands for several characters stands where the last of them stood. */
    @Override
    public boolean dropsBeginning(String text) {
        boolean[] drops = new boolean[1];
        pattern.forEach(text, (from, to, found) -> {
            if (from == 0 && found && to > 0) {
                drops[0] = content.isEmpty() || text.codePointCount(0, to) > 1;
            }
        });
        return drops[0];
    }

    @Override
    public List<String> decode(List<String> tokens) {
        List<String> result = new ArrayList<>(tokens.size());
        tokens.forEach(token -> result.add(normalize(token)));
        return result;
    }
}
