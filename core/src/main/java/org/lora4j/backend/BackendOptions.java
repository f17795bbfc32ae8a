package org.lora4j.backend;

/**
 * What a user may choose of a backend.
 *
 * @param threads   worker threads, 0 for one per available core
 * @param precision see {@link Precision}
 */
public record BackendOptions(int threads, Precision precision) {

    /** Every core, {@link Precision#STRICT}. */
    public static final BackendOptions DEFAULT = new BackendOptions(0, Precision.STRICT);

    /** Requires a number of threads that is not negative. */
    public BackendOptions {
        if (threads < 0) {
            throw new IllegalArgumentException("threads must not be negative, found " + threads);
        }
    }

    /** The number of threads after resolving 0. */
    public int effectiveThreads() {
        return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    }
}
