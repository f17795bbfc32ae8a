package org.lora4j.select;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * A regular expression as Python's {@code re} reads it, for adapter files were written with that in mind: {@link PythonDialect}
 * writes it in Java's dialect, {@link Pattern} does the matching.
 *
 * <p>An expression comes from a file and may be made to take forever, as {@code (((.*)*)*)*x} does. Matching therefore counts how
 * often it reads a character and gives up, with an error, after a million times; an honest expression over a module's name
 * needs some hundreds.
 */
final class PythonRegex {

    private static final int MOST_READS = 1_000_000;

    private final String what;
    private final String source;
    private final Pattern pattern;
    /** The name of each group of Python's dialect, or an empty text. */
    private final List<String> groups;

    private PythonRegex(String what, String source, Pattern pattern, List<String> groups) {
        this.what = what;
        this.source = source;
        this.pattern = pattern;
        this.groups = groups;
    }

    /**
     * @param what what the expression is for, as in {@code targets}, for messages
     * @throws LoraException if it is not a regular expression, or one with a construct that is not read here
     */
    static PythonRegex compile(String what, String source) {
        return compile(what, "", source, "");
    }

    /**
     * The expression with a piece before and after it, put together as text, as PEFT does: a group in the piece before counts,
     * so that {@code \1} in the expression may mean that one.
     */
    static PythonRegex compile(String what, String before, String source, String after) {
        try {
            PythonDialect python = PythonDialect.read(before + source + after);
            Pattern pattern = Pattern.compile(python.inJava(), Pattern.UNIX_LINES | Pattern.UNICODE_CHARACTER_CLASS);
            return new PythonRegex(what, source, pattern, python.groups());
        } catch (PythonDialect.NotReadHere e) {
            throw new LoraException(what + " " + Names.quoted(source) + ": " + e.getMessage()
                    + " is not read in a regular expression here; write it without", e);
        } catch (IllegalArgumentException e) {
            throw noExpression(what, source, e instanceof PatternSyntaxException syntax ? syntax.getDescription() : e.getMessage(), e);
        } catch (StackOverflowError e) {
            throw noExpression(what, source, "too long, or groups in too many groups", e);
        }
    }

    private static LoraException noExpression(String what, String source, String reason, Throwable cause) {
        return new LoraException(what + " " + Names.quoted(source) + " is not a regular expression: "
                + Names.oneLine(String.valueOf(reason)), cause);
    }

    String source() {
        return source;
    }

    /** Whether the whole name matches: Python's {@code re.fullmatch}. */
    boolean matchesAll(String name) {
        return guarded(name, Matcher::matches) != null;
    }

    /** The match that begins where the name begins, or null: Python's {@code re.match}. */
    @Nullable Matcher matchAtStart(String name) {
        return guarded(name, Matcher::lookingAt);
    }

    /** The number of the group with this name, for {@link Matcher#group(int)}. */
    int group(String name) {
        return groups.indexOf(name) + 1;
    }

    @FunctionalInterface
    private interface Attempt {
        boolean on(Matcher matcher);
    }

    private @Nullable Matcher guarded(String name, Attempt attempt) {
        Matcher matcher = pattern.matcher(new Watched(name, new int[1]));
        try {
            return attempt.on(matcher) ? matcher : null;
        } catch (TooManyReads | StackOverflowError e) {
            throw new LoraException(what + " " + Names.quoted(source) + ": the regular expression takes too long, or too much "
                    + "stack, on the name " + Names.quoted(name) + "; write it without nested repetitions", e);
        }
    }

    private static final class TooManyReads extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooManyReads() {
            super(null, null, false, false);
        }
    }

    /** A text that counts how often it is read. */
    private record Watched(CharSequence text, int[] reads) implements CharSequence {

        @Override
        public char charAt(int index) {
            if (++reads[0] > MOST_READS) {
                throw new TooManyReads();
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
