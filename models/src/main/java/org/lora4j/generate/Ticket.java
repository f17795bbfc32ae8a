package org.lora4j.generate;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of a {@link Request}, so far. */
public final class Ticket {

    private final Request request;
    private @Nullable Job job;
    private @Nullable List<Written> texts;
    private @Nullable Hypothesis hypothesis;
    private @Nullable RuntimeException failure;
    private volatile boolean cancelled;

    Ticket(Request request) {
        this.request = request;
    }

    /** What was asked for. */
    public Request request() {
        return request;
    }

    /** Whether nothing more will be written. */
    public boolean isDone() {
        return texts != null;
    }

    /** The request's texts, as far as they are written; those of beam search when it is over, empty before. */
    public List<Written> texts() {
        return texts != null ? texts : job.texts();
    }

    /** What beam search found; null for other requests, and before. */
    public @Nullable Hypothesis hypothesis() {
        return hypothesis;
    }

    /**
     * Why nothing more is written, or null: the model's logits are no numbers, the adapter was removed from its set, the
     * listener threw. Other requests are not touched by it.
     */
    public @Nullable RuntimeException failure() {
        return failure;
    }

    /**
     * Ends the request at the engine's next step, whichever thread asks. What is written remains, and its rows of keys and
     * values are free again. Nothing happens where it is done.
     */
    public void cancel() {
        cancelled = true;
    }

    boolean isCancelled() {
        return cancelled;
    }

    void begin(Job asked) {
        job = asked;
    }

    void finish(List<Written> written, @Nullable Hypothesis found, @Nullable RuntimeException why) {
        texts = List.copyOf(written);
        hypothesis = found;
        failure = why;
        job = null;
    }
}
