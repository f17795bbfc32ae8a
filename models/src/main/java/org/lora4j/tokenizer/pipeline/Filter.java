package org.lora4j.tokenizer.pipeline;

import java.util.function.IntPredicate;

/** Takes characters out of a text. */
public record Filter(IntPredicate goes) implements Normalizer {

    /** Takes out all marks: what an accent has become once the text is decomposed. */
    public static final Normalizer ACCENTS = new Filter(Characters::isMark);

    @Override
    public String normalize(String text) {
        return without(text, goes);
    }

    @Override
    public boolean dropsBeginning(String text) {
        return !text.isEmpty() && goes.test(text.codePointAt(0));
    }

    static String without(String text, IntPredicate goes) {
        StringBuilder kept = null;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            if (goes.test(c)) {
                kept = kept == null ? new StringBuilder(text.length()).append(text, 0, i) : kept;
            } else if (kept != null) {
                kept.appendCodePoint(c);
            }
            i += Character.charCount(c);
        }
        return kept == null ? text : kept.toString();
    }
}
