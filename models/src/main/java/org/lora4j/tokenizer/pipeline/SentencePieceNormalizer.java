package org.lora4j.tokenizer.pipeline;

import org.jspecify.annotations.Nullable;

/**
 * How SentencePiece rewrites a text:
 *
 * <pre>
 *   "  Hello   world " → "▁Hello▁world"     with add_dummy_prefix and remove_extra_whitespaces
 * </pre>
 *
 * At each place the longest entry of the charsmap is replaced; what users have defined stays as it is written.
 *
 * @param charsMap null for none
 */
record SentencePieceNormalizer(
        @Nullable CharsMap charsMap, CharTrie userDefined, boolean dummyPrefix, boolean removesSpaces) implements Normalizer {

    private static final String SPACE = "▁";

    @Override
    public String normalize(String text) {
        int at = 0;
        String[] part = new String[1];
        while (removesSpaces && at < text.length()) {
            int next = next(text, at, part);
            if (!part[0].equals(" ")) {
                break;
            }
            at = next;
        }
        if (at == text.length()) {
            return "";
        }
        StringBuilder result = new StringBuilder(text.length() + 16).append(dummyPrefix ? SPACE : "");
        boolean afterSpace = removesSpaces;
        while (at < text.length()) {
            int next = next(text, at, part);
            String rest = part[0];
            int from = 0;
            while (afterSpace && from < rest.length() && rest.charAt(from) == ' ') {
                from++;
            }
            for (int i = from; i < rest.length(); i++) {
                if (rest.charAt(i) == ' ') {
                    result.append(SPACE);
                } else {
                    result.append(rest.charAt(i));
                }
            }
            afterSpace = from < rest.length() ? removesSpaces && rest.endsWith(" ") : afterSpace && removesSpaces;
            at = next;
        }
        while (removesSpaces && result.length() > 0 && result.charAt(result.length() - 1) == SPACE.charAt(0)) {
            result.setLength(result.length() - 1);
        }
        return result.toString();
    }

    /** What comes out of the text's next few characters, and where they end. */
    private int next(String text, int at, String[] part) {
        int end = Unigram.longest(userDefined, text, at);
        if (end > at) {
            part[0] = text.substring(at, end);
            return end;
        }
        int c = text.codePointAt(at);
        if (charsMap != null) {
            int replaced = charsMap.longest(text, at, part);
            if (replaced > at) {
                return replaced;
            }
        }
        part[0] = Character.toString(c);
        return at + Character.charCount(c);
    }
}
