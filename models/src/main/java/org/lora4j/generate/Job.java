package org.lora4j.generate;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.Tensor;

/** A request that an engine is at work on: its rows, each of which wants its next position computed. */
abstract class Job {

    final Request request;
    final Ticket ticket;
    /** In the order in which they stand in a pass. */
    List<Row> rows = new ArrayList<>();
    private boolean begun;

    /** A beginning of a text. */
    static final class Row {

        final Job job;
        final Trail trail;
        /** Which text of the job, where rows are texts. */
        final int sample;
        /** Chosen, and not yet computed. */
        int token;

        Row(Job job, Trail trail, int sample, int token) {
            this.job = job;
            this.trail = trail;
            this.sample = sample;
            this.token = token;
        }
    }

    Job(Request request, Ticket ticket) {
        this.request = request;
        this.ticket = ticket;
        ticket.begin(this);
    }

    /** Most rows that it will have at a time. */
    abstract int width();

    /** Most positions that it will keep at a time, those of the prompt among them. */
    long positions() {
        return positions(request, width());
    }

    static long positions(Request request, int width) {
        return request.length() + (long) width * Math.max(0, request.maxNewTokens() - 1);
    }

    /**
     * Whether its rows stand together in a pass of at least {@link Engine#MANY_ROWS}, since they are chosen together; others
     * go in passes of at most {@link Engine#FEW_ROWS}.
     */
    abstract boolean isWide();

    /**
     * The prompt is read.
     *
     * @param prompt becomes the job's
     * @param logits whose first row is that behind the prompt
     */
    abstract void begin(Trail prompt, Tensor logits);

    /** What is written so far. */
    abstract List<Written> texts();

    /** Marks the texts that are still being written. */
    abstract void end(End end);

    @Nullable Hypothesis hypothesis() {
        return null;
    }

    /** Whether its prompt is still to be read. */
    boolean isNew() {
        return !begun;
    }

    /** Called when the prompt is read. */
    void begun() {
        begun = true;
    }

    /** Whether nothing of it wants a next position. */
    boolean isDone() {
        return rows.isEmpty();
    }

    /** Gives all rows back and tells the ticket. */
    void finish(End unfinished, @Nullable RuntimeException failure) {
        RuntimeException why = failure;
        try {
            end(unfinished);
        } catch (RuntimeException e) { // the listener's
            why = why == null ? e : why;
        }
        rows.forEach(row -> row.trail.release());
        rows = new ArrayList<>();
        ticket.finish(texts(), hypothesis(), why);
    }
}
