package org.lora4j.select;

import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** The characters of a regular expression, one after the other, and what they mean by themselves. */
class RegexScanner {

    final int[] pattern;
    int at;
    /** The letters of the flags that hold here. */
    String flags = "";

    RegexScanner(String pattern) {
        this.pattern = pattern.codePoints().toArray();
    }

    boolean has(char flag) {
        return flags.indexOf(flag) >= 0;
    }

    boolean isAtEnd() {
        return at == pattern.length;
    }

    int peek() {
        return pattern[at];
    }

    int take() {
        if (at == pattern.length) {
            throw wrong("unterminated character set");
        }
        return pattern[at++];
    }

    boolean accept(int c) {
        if (at < pattern.length && pattern[at] == c) {
            at++;
            return true;
        }
        return false;
    }

    String digits() {
        int start = at;
        while (at < pattern.length && isDigit(pattern[at])) {
            at++;
        }
        return new String(pattern, start, at - start);
    }

    String upTo(int end, String what) {
        int start = at;
        while (at < pattern.length && pattern[at] != end) {
            at++;
        }
        if (at == pattern.length) {
            throw wrong("missing " + Character.toString(end) + ", unterminated " + what);
        }
        return new String(pattern, start, at++ - start);
    }

    IllegalArgumentException wrong(String reason) {
        return new IllegalArgumentException(reason);
    }

    // ------------------------------------------------------------------------------------------------ meanings

    /** The same for a letter in any case. */
    static int folded(int c) {
        return Character.toLowerCase(Character.toUpperCase(c));
    }

    /** What \d, \s, \w and their opposites mean; null for another letter. */
    @Nullable IntPredicate category(int letter) {
        boolean ascii = has('a');
        return switch (letter) {
            case 'd' -> ascii ? RegexScanner::isDigit : Character::isDigit;
            case 's' -> ascii ? c -> c == ' ' || c >= '\t' && c <= '\r' : RegexScanner::isSpace;
            case 'w' -> ascii ? c -> c < 128 && isWord(c) : RegexScanner::isWord;
            case 'D', 'S', 'W' -> category(letter + 'a' - 'A').negate();
            default -> null;
        };
    }

    private static boolean isSpace(int c) {
        return Character.isSpaceChar(c) || c >= '\t' && c <= '\r' || c >= 0x1c && c <= 0x1f || c == 0x85;
    }

    private static boolean isWord(int c) {
        int type = Character.getType(c);
        return c == '_' || Character.isLetterOrDigit(c) || type == Character.LETTER_NUMBER || type == Character.OTHER_NUMBER;
    }

    static boolean isDigit(int c) {
        return c >= '0' && c <= '9';
    }

    /** The character that an escape stands for; its letter is read already. */
    int character(int c) {
        return switch (c) {
            case 'a' -> 7;
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'v' -> 0x0b;
            case 'x' -> hex(2);
            case 'u' -> hex(4);
            case 'U' -> hex(8);
            case '0' -> octal();
            default -> {
                if (c < 128 && Character.isLetter(c)) {
                    throw wrong("bad escape \\" + Character.toString(c));
                }
                yield c;
            }
        };
    }

    private int octal() {
        int value = 0;
        for (int i = 0; i < 2 && at < pattern.length && peek() >= '0' && peek() <= '7'; i++) {
            value = 8 * value + pattern[at++] - '0';
        }
        return value;
    }

    private int hex(int digits) {
        long value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = at < pattern.length ? Character.digit(pattern[at], 16) : -1;
            if (digit < 0) {
                throw wrong("incomplete escape");
            }
            value = 16 * value + digit;
            at++;
        }
        if (value > Character.MAX_CODE_POINT) {
            throw wrong("bad escape");
        }
        return (int) value;
    }
}
