package org.lora4j.experiments.metrics;

import java.util.Locale;

/**
 * A text as {@link PennTreebankTokenizer} looks at it: what stands at a place, of which kind it is, and how far characters of
 * a kind reach. A method that looks for an end returns the place itself where there is nothing of its kind.
 */
abstract class PennTreebankText {

    static final char HARD_SPACE = '\u00a0';
    static final char SOFT_HYPHEN = '\u00ad';

    /** Between lines, and after the last. */
    static final char END = '\n';

    /** Kinds of stretches, see {@link #stretch}. */
    static final int BEFORE_AT = 0;
    static final int AFTER_AT = 1;
    static final int COMPOUND = 2;
    static final int LETTERS_AND_POINTS = 3;

    private final int[] stretchFrom = new int[4];
    private final int[] stretchEnd = new int[4];

    final String text;

    PennTreebankText(String text) {
        this.text = text;
    }

    // --- stretches

    /**
     * The end of the characters of a kind that begin at a place. A stretch is looked through once, although words begin all
     * over it, each of which asks how far it reaches.
     */
    int stretch(int kind, int from) {
        if (from < stretchFrom[kind] || from >= stretchEnd[kind]) {
            int end = from;
            while (isOf(kind, peek(end))) {
                end++;
            }
            stretchFrom[kind] = from;
            stretchEnd[kind] = end;
            return end;
        }
        return stretchEnd[kind];
    }

    private static boolean isOf(int kind, char c) {
        return switch (kind) {
            case BEFORE_AT -> !isSpace(c) && !isAny("\"<>|(){}@", c);
            case AFTER_AT -> !isSpace(c) && !isAny("\"<>|(){}", c);
            case COMPOUND -> isAscii(c) || c >= '0' && c <= '9' || c == '.' || c == ',';
            default -> isAscii(c) || c == '.';
        };
    }

    // --- letters

    /** The end of the letters and digits that begin at a place. */
    int run(int from) {
        int end = from;
        boolean any = false;
        while (isLetter(peek(end)) || isDigit(peek(end)) || peek(end) == SOFT_HYPHEN) {
            any |= peek(end) != SOFT_HYPHEN;
            end++;
        }
        return any ? end : from;
    }

    int digits(int from) {
        int end = from;
        while (isDigit(peek(end))) {
            end++;
        }
        return end;
    }

    int capitals(int from) {
        int end = from;
        while (peek(end) >= 'A' && peek(end) <= 'Z') {
            end++;
        }
        return end;
    }

    /** A word and what hyphens join to it. */
    int withTail(int word) {
        int end = word;
        while (peek(end) == '-' && latin(end + 1) > end + 1) {
            end = latin(end + 1);
        }
        return end;
    }

    /** The end of the ASCII letters that begin at a place. */
    int ascii(int from) {
        int end = from;
        while (isAscii(peek(end))) {
            end++;
        }
        return end;
    }

    /** The end of the ASCII letters and digits that begin at a place. */
    int latin(int from) {
        int end = from;
        while (isAscii(peek(end)) || peek(end) >= '0' && peek(end) <= '9') {
            end++;
        }
        return end;
    }

    boolean hasLetter(int from, int end) {
        for (int i = from; i < end; i++) {
            if (isLetter(peek(i))) {
                return true;
            }
        }
        return false;
    }

    char peek(int place) {
        return place >= 0 && place < text.length() ? text.charAt(place) : END;
    }

    boolean startsWith(String prefix, int from) {
        for (int i = 0; i < prefix.length(); i++) {
            char c = peek(from + i) == '’' ? '\'' : peek(from + i);
            if (Character.toLowerCase(c) != Character.toLowerCase(prefix.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    static int longest(int... ends) {
        int longest = ends[0];
        for (int end : ends) {
            longest = Math.max(longest, end);
        }
        return longest;
    }

    static boolean isAny(String chars, char c) {
        return chars.indexOf(c) >= 0;
    }

    static boolean isSpace(char c) {
        return Character.isWhitespace(c) || c == HARD_SPACE;
    }

    static boolean isAscii(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
    }

    static boolean isDigit(char c) {
        return c >= '0' && c <= '9' || c > 127 && Character.isDigit(c);
    }

    static boolean isHyphen(char c) {
        return c == '-' || c == '‐' || c == '‑';
    }

    static boolean isApostrophe(char c) {
        return c == '\'' || c == '’';
    }

    static boolean isLetter(char c) {
        if (c < 128) {
            return isAscii(c);
        }
        int type = Character.getType(c);
        return Character.isLetter(c) || type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
    }

    /** What the Stanford tokenizer passes over. */
    static boolean isSilent(char c) {
        if (c > ' ' && c < 127) {
            return false;
        }
        int type = Character.getType(c);
        return Character.isSurrogate(c) || type == Character.CONTROL || type == Character.FORMAT && c != SOFT_HYPHEN
                || type == Character.UNASSIGNED || type == Character.PRIVATE_USE
                || type == Character.CURRENCY_SYMBOL && c > '¥' && c != '₠' && c != '₤' && c != '€';
    }

    String lower(int from, int end) {
        return text.substring(from, end).toLowerCase(Locale.ROOT);
    }
}
