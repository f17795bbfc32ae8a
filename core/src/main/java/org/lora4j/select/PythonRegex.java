package org.lora4j.select;

import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * A regular expression as Python's {@code re} reads it, for adapter files were written with that in mind: {@link RegexParser}
 * has the syntax, {@link RegexNode} does the matching.
 *
 * <p>An expression comes from a file and may be made to take forever, as {@code ((.*)*)*x} does. Matching therefore counts
 * its steps and gives up, with an error, after a million; an honest expression over a module's name needs some hundreds.
 */
final class PythonRegex {

    private static final long MOST_STEPS = 1_000_000;

    private final String what;
    private final String source;
    private final RegexParser.Parsed parsed;

    private PythonRegex(String what, String source, RegexParser.Parsed parsed) {
        this.what = what;
        this.source = source;
        this.parsed = parsed;
    }

    /**
     * @param what what the expression is for, as in {@code targets}, for messages
     * @throws LoraException if it is not a regular expression
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
            return new PythonRegex(what, source, RegexParser.parse(before + source + after));
        } catch (IllegalArgumentException e) {
            throw new LoraException(what + " " + Names.quoted(source) + " is not a regular expression: "
                    + Names.oneLine(String.valueOf(e.getMessage())), e);
        }
    }

    String source() {
        return source;
    }

    /** Whether the whole name matches: Python's {@code re.fullmatch}. */
    boolean matchesAll(String name) {
        return run(name, true) != null;
    }

    /** The match that begins where the name begins, or null: Python's {@code re.match}. */
    @Nullable Match matchAtStart(String name) {
        return run(name, false);
    }

    private @Nullable Match run(String name, boolean whole) {
        int[] text = name.codePoints().toArray();
        RegexNode.Run run = new RegexNode.Run(text, parsed.groups(), MOST_STEPS);
        int[] last = {0};
        try {
            return parsed.root().match(run, 0, end -> (last[0] = end) == text.length || !whole) ? new Match(run, last[0]) : null;
        } catch (RegexNode.TooManySteps | StackOverflowError e) {
            throw new LoraException(what + " " + Names.quoted(source) + ": the regular expression takes too long, or too much "
                    + "stack, on the name " + Names.quoted(name) + "; write it without nested repetitions", e);
        }
    }

    /** A match and its groups. */
    final class Match {

        private final RegexNode.Run run;

        private final int end;

        private Match(RegexNode.Run run, int end) {
            this.run = run;
            this.end = end;
        }

        /** How many characters, as code points, it has. */
        int length() {
            return end;
        }

        /** What the group of this name matched, or null. */
        @Nullable String group(String name) {
            int group = parsed.names().get(name);
            return run.isSet(group) ? new String(run.text, run.starts[group], run.ends[group] - run.starts[group]) : null;
        }
    }
}
