package org.lora4j.chat.jinja;

import org.lora4j.LoraException;

/** A template that is none, or that fails on what it is given; {@link #line} says where, 0 where that is not known. */
public final class JinjaException extends LoraException {

    private static final long serialVersionUID = 1;

    /** What is wrong, without the line. */
    private final String problem;
    /** From 1; 0 where it is not known. */
    private final int line;
    /** Whether the template says so itself. */
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

    /** The line of the template that it is about. */
    public int line() {
        return line;
    }

    /** Whether the template itself says so, by {@code raise_exception}: the messages do not suit it. */
    public boolean isRaised() {
        return raised;
    }
}
