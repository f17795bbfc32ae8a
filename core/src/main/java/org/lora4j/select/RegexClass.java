package org.lora4j.select;

import java.util.function.IntPredicate;

/** A set of characters in brackets, {@code [a-z_]} or {@code [^.]}: a bracket that comes first in it is a character. */
final class RegexClass {

    private final RegexScanner parser;

    /** @param parser stands behind the opening bracket */
    RegexClass(RegexScanner parser) {
        this.parser = parser;
    }

    IntPredicate read() {
        boolean negated = parser.accept('^');
        IntPredicate set = c -> false;
        boolean first = true;
        while (first || parser.isAtEnd() || parser.peek() != ']') {
            first = false;
            set = set.or(member());
        }
        parser.take();
        IntPredicate all = set;
        IntPredicate anyCase = !parser.has('i') ? all : c -> all.test(c) || all.test(Character.toLowerCase(c))
                || all.test(Character.toUpperCase(c)) || all.test(RegexScanner.folded(c));
        return negated ? anyCase.negate() : anyCase;
    }

    /** One character, a category such as \d, or a range. */
    private IntPredicate member() {
        int c = parser.take();
        IntPredicate category = null;
        if (c == '\\') {
            int letter = parser.take();
            category = parser.category(letter);
            c = category != null ? 0 : escaped(letter);
        }
        int low = c;
        if (!parser.accept('-')) {
            return category != null ? category : other -> other == low;
        }
        if (!parser.isAtEnd() && parser.peek() == ']') { // a dash that comes last is a character
            IntPredicate one = category != null ? category : other -> other == low;
            return one.or(other -> other == '-');
        }
        int high = parser.take();
        if (high == '\\') {
            int letter = parser.take();
            if (parser.category(letter) != null) {
                throw parser.wrong("bad character range");
            }
            high = escaped(letter);
        }
        if (category != null || high < low) {
            throw parser.wrong("bad character range");
        }
        int last = high;
        return other -> other >= low && other <= last;
    }

    private int escaped(int letter) {
        if (letter >= '1' && letter <= '7') {
            int value = letter - '0';
            for (int i = 0; i < 2; i++) {
                if (parser.isAtEnd() || parser.peek() < '0' || parser.peek() > '7') {
                    throw parser.wrong("bad escape \\" + Character.toString(letter));
                }
                value = 8 * value + parser.take() - '0';
            }
            return value;
        }
        if (letter == '8' || letter == '9') {
            throw parser.wrong("bad escape \\" + Character.toString(letter));
        }
        return letter == 'b' ? '\b' : parser.character(letter);
    }
}
