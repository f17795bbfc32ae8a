package org.lora4j.train;

import org.lora4j.LoraException;

/** A run came to numbers that are not finite; its message names what is left of it. */
public final class DivergedException extends LoraException {

    DivergedException(String message) {
        super(message);
    }
}
