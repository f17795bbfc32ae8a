package org.lora4j.cli;

import java.io.IOException;

/**
 * That standard output took no more results. The command need not go on: nobody would see what it finds out.
 */
final class ResultsLostException extends RuntimeException {

    private static final long serialVersionUID = 1;

    private final boolean readerGone;

    /** @param cause why; null where that is not known */
    ResultsLostException(IOException cause, boolean readerGone) {
        super(cause == null || cause.getMessage() == null ? "writing failed" : cause.getMessage(), cause);
        this.readerGone = readerGone;
    }

    /** Whether whoever read them has seen enough, as {@code head} does; that is no failure. */
    boolean isReaderGone() {
        return readerGone;
    }
}
