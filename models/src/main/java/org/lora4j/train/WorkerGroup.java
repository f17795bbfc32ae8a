package org.lora4j.train;

import java.util.List;

/**
 * Workers that train one model together, each with a copy of it: they share out a step's micro-batches, add up everyone's
 * gradients, and each makes the same update from the same sum. What travels is the gradient of what trains, in LoRA that of A
 * and B.
 *
 * <pre>
 *   worker r of R has, of a step's m micro-batches,      ⌊m·r/R⌋ … ⌊m·(r+1)/R⌋ − 1
 *   the sum, in the order of the micro-batches:          s ← g₁        s ← round(s + g₂)        s ← round(s + g₃)  …
 * </pre>
 *
 * This is the sum that {@link Step} makes on one machine, whatever R is: so a run has the same bits with any number of workers,
 * on machines of one kind. Worker 0 measures on dev and writes the files; the others read a checkpoint and write nothing.
 */
public interface WorkerGroup {

    /** One worker, which has nobody to wait for. */
    WorkerGroup ALONE = new WorkerGroup() {

        @Override
        public int rank() {
            return 0;
        }

        @Override
        public int size() {
            return 1;
        }

        @Override
        public Sum sum(Contribution own) {
            throw new IllegalStateException("there is nobody to add up with");
        }

        @Override
        public void agree(String what, String value) {
        }
    };

    /** This worker's number, from 0. */
    int rank();

    /** R, how many workers there are. */
    int size();

    /** The first of this worker's micro-batches, of so many in a step. */
    default int first(int batches) {
        return (int) ((long) batches * rank() / size());
    }

    /** The one behind the last of this worker's micro-batches. */
    default int end(int batches) {
        return (int) ((long) batches * (rank() + 1) / size());
    }

    /**
     * What one worker brings to a step.
     *
     * @param partials of its own micro-batches, in their order; none where it has none
     * @param batches  m, of all workers
     * @param length   of each gradient
     * @param single   whether sums round to float, as the backend does; otherwise to double
     * @param stop     whether this worker was asked to stop
     */
    record Contribution(List<Partial> partials, int batches, int length, boolean single, boolean stop) {
    }

    /**
     * Of one micro-batch.
     *
     * @param loss     Σ over its targets
     * @param gradient of all that trains, one tensor behind the other
     */
    record Partial(double loss, double[] gradient) {
    }

    /**
     * What all workers have after a step, bit for bit the same.
     *
     * @param loss     Σ over all targets of the step, added in the order of the micro-batches
     * @param gradient the sum
     * @param stop     whether any worker was asked to stop
     */
    record Sum(double loss, double[] gradient, boolean stop) {
    }

    /**
     * Adds up what all workers bring; returns when all have brought it.
     *
     * @throws WorkerLostException if one of them is gone or has failed
     */
    Sum sum(Contribution own);

    /**
     * Waits for all workers and makes sure that they say the same.
     *
     * @param what  it is about, for the message: {@code the values after step 200}
     * @throws org.lora4j.LoraException if two differ
     * @throws WorkerLostException      if one of them is gone or has failed
     */
    void agree(String what, String value);
}
