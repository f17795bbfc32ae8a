package org.lora4j.backend;

import org.lora4j.LoraException;

/** An operation was given operands whose shapes do not fit together; the message holds the shapes as passed. */
public final class ShapeMismatchException extends LoraException {

    private static final long serialVersionUID = 1L;

    /** Names the operation and the shapes as they were passed. */
    public ShapeMismatchException(String message) {
        super(message);
    }
}
