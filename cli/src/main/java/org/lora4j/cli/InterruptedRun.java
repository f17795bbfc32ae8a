package org.lora4j.cli;

import org.lora4j.LoraException;
import org.lora4j.train.StoppedException;

/** A run that a signal has stopped, with its checkpoint written; the exit code is the one the signal would have given. */
final class InterruptedRun extends LoraException {

    private static final long serialVersionUID = 1L;

    private final int exitCode;

    InterruptedRun(StoppedException stopped, int exitCode) {
        super(stopped.getMessage(), stopped);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }
}
