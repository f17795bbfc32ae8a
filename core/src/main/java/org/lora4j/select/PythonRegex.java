package org.lora4j.select;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * A regular expression as Python's {@code re} reads it, for adapter files were written with that in mind. The two
 * dialects agree but for a few spellings, which are translated:
 *
 * <pre>
 *   (?P&lt;layer_idx&gt;…)    a plain group: Java's names allow no underscore, and the number stays the same
 *   (?P=layer_idx)       the back-reference by that number
 *   (?#…)                nothing
 *   \Z                   \z, the very end
 *   [a[b&amp;&amp;c]             a literal bracket and ampersands: Java would nest and intersect classes
 *   x{,3}                x{0,3}
 *   . ^ $                know only \n as the end of a line
 * </pre>
 *
 * <p>An expression comes from a file and may be made to take forever, as {@code (a*)*(a*)*(a*)*b} does. Matching
 * therefore counts the characters it looks at and gives up, with an error, after a million; an honest expression over a
 * module's name needs some hundreds.
 */
final class PythonRegex {

    private static final int MOST_LOOKS = 1_000_000;

    private final String source;
    private final Pattern pattern;

    private PythonRegex(String source, Pattern pattern) {
        this.source = source;
        this.pattern = pattern;
    }

    /**
     * @param what what the expression is for, as in {@code targets}, for messages
     * @throws LoraException if it is not a regular expression
     */
    static PythonRegex compile(String what, String source) {
        return compile(what, "", source, "");
    }

    /** The expression with a piece of Java's dialect before and after it, put together as text, as PEFT does. */
    static PythonRegex compile(String what, String before, String source, String after) {
        try {
            return new PythonRegex(source, Pattern.compile(before + translate(source) + after, Pattern.UNIX_LINES));
        } catch (IllegalArgumentException e) {
            String reason = e instanceof PatternSyntaxException syntax ? syntax.getDescription() : e.getMessage();
            throw new LoraException(what + " " + Names.quoted(source) + " is not a regular expression: "
                    + Names.oneLine(String.valueOf(reason)), e);
        }
    }

    String source() {
        return source;
    }

    /** Whether the whole name matches: Python's {@code re.fullmatch}. */
    boolean matchesAll(String name) {
        return guarded(name, Matcher::matches) != null;
    }

    /** The match that begins where the name begins, or null: Python's {@code re.match}. */
    Matcher matchAtStart(String name) {
        return guarded(name, Matcher::lookingAt);
    }

    private interface Attempt {
        boolean on(Matcher matcher);
    }

    private Matcher guarded(String name, Attempt attempt) {
        Matcher matcher = pattern.matcher(new Watched(name, new int[1]));
        try {
            return attempt.on(matcher) ? matcher : null;
        } catch (TooManyLooks | StackOverflowError e) {
            throw new LoraException("the regular expression " + Names.quoted(source) + " takes too long, or too much "
                    + "stack, on the name " + Names.quoted(name) + "; write it without nested repetitions", e);
        }
    }

    private static final class TooManyLooks extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    /** Text that counts how often it is looked at. */
    private record Watched(CharSequence text, int[] looks) implements CharSequence {

        @Override
        public char charAt(int index) {
            if (++looks[0] > MOST_LOOKS) {
                throw new TooManyLooks();
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return new Watched(text.subSequence(start, end), looks);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }

    private static String translate(String python) {
        StringBuilder java = new StringBuilder();
        List<String> groups = new ArrayList<>(); // the name of each group, or an empty text
        boolean inClass = false;
        int classStart = 0;
        for (int i = 0; i < python.length(); i++) {
            char c = python.charAt(i);
            if (c == '\\' && i + 1 < python.length()) {
                char escaped = python.charAt(++i);
                java.append('\\').append(escaped == 'Z' && !inClass ? 'z' : escaped);
            } else if (inClass) {
                // a bracket that comes first is a literal in Python
                boolean literal = c == '[' || c == '&' || c == ']' && i == classStart;
                inClass = c != ']' || literal;
                java.append(literal ? "\\" : "").append(c);
            } else if (c == '[') {
                inClass = true;
                classStart = python.startsWith("^", i + 1) ? i + 2 : i + 1;
                java.append(c);
                if (classStart == i + 2) {
                    java.append('^');
                    i++;
                }
            } else if (python.startsWith("(?P<", i) && python.indexOf('>', i) > 0) {
                int end = python.indexOf('>', i);
                groups.add(python.substring(i + 4, end));
                java.append('(');
                i = end;
            } else if (python.startsWith("(?P=", i) && python.indexOf(')', i) > 0) {
                int end = python.indexOf(')', i);
                // the empty group keeps a digit that follows from becoming part of the number
                java.append('\\').append(groups.indexOf(python.substring(i + 4, end)) + 1).append("(?:)");
                i = end;
            } else if (python.startsWith("(?#", i) && python.indexOf(')', i) > 0) {
                i = python.indexOf(')', i);
            } else {
                if (c == '(' && !python.startsWith("(?", i)) {
                    groups.add("");
                }
                boolean openRange = c == '{' && python.startsWith(",", i + 1);
                java.append(c).append(openRange ? "0" : "");
            }
        }
        return java.toString();
    }
}
