package org.lora4j.cli;

/** What a command's exit status says to a script. */
public final class ExitCode {

    /** The work was done. */
    public static final int OK = 0;
    /** The work was asked for rightly and could not be done. */
    public static final int FAILURE = 1;
    /** What was asked for is not a command, an option or a value of one. */
    public static final int WRONG_USE = 2;
    /** Whoever read the results has gone, as {@code head} does when it has enough: what the shell says of most programs then. */
    public static final int READER_GONE = 141;

    private ExitCode() {
    }
}
