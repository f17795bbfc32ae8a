package org.lora4j.chat.jinja;

import org.lora4j.LoraException;

/** A template that is none, or that fails on what it is given; {@link #line} says where, 0 where that is not known. */
public final class JinjaException extends LoraException {

    private static final long serialVersionUID = 1;

    private final String problem;
    private final int line;
    private final boolean raised;

    JinjaException(String problem) {
        this(problem, 0, false);
    }

    JinjaException(String problem, int line, boolean raised) {
        super(line == 0 ? problem : "line " + line + ": " + problem);
        this.problem = problem;
        this.line = line;
        this.raised = raised;
    }

    /** The same with its place, where it had none. */
    JinjaException at(int where) {
        return line > 0 ? this : new JinjaException(problem, where, raised);
    }

    /** Without the line. */
    public String problem() {
        return problem;
    }

    public int line() {
        return line;
    }

    /** Whether the template itself says so, by {@code raise_exception}: the messages do not suit it. */
    public boolean isRaised() {
        return raised;
    }
}
