package org.lora4j;

/**
 * An error that a user can do something about. Its message is one line that says what was asked, what was found and what
 * to do, with the names the user typed; the command line prints just that line.
 */
public class LoraException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public LoraException(String message) {
        super(message);
    }

    public LoraException(String message, Throwable cause) {
        super(message, cause);
    }
}
