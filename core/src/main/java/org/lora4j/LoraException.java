package org.lora4j;

import org.jspecify.annotations.Nullable;

/**
 * An error that a user can do something about. Its message is one line that says what was asked, what was found and what
 * to do, with the names the user typed; the command line prints just that line.
 * A file may have named ten thousand things in it, so it is cut in the middle beyond {@value Names#LONGEST_MESSAGE} characters.
 */
public class LoraException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** Says what is wrong and what to do, in one line. */
    public LoraException(String message) {
        super(Names.bounded(message));
    }

    /** The same, with what led to it. */
    public LoraException(String message, @Nullable Throwable cause) {
        super(Names.bounded(message), cause);
    }
}
