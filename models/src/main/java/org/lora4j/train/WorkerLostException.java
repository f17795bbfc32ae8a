package org.lora4j.train;

import org.lora4j.LoraException;

/** Another worker of a {@link WorkerGroup} is gone or has failed, so this one cannot go on. */
public final class WorkerLostException extends LoraException {

    private static final long serialVersionUID = 1L;

    /**
     * A loss that says who it is about.
     *
     * @param message who is gone, and why where that is known
     */
    public WorkerLostException(String message) {
        super(message);
    }
}
