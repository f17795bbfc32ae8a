package org.lora4j.data;

import org.jspecify.annotations.Nullable;

/**
 * Sequences side by side and a label for each: what a classifier learns from. A label is the number of a class, counted from
 * 0, or in regression the value itself.
 *
 * @param sequences (B, T) ids with their mask and token types; {@link Batch#labels} play no part
 * @param labels    B numbers, or null where there is nothing to compare with
 */
public record LabelledBatch(Batch sequences, double @Nullable [] labels) {

    /** Requires a label for each sequence, where there are labels. */
    public LabelledBatch {
        if (labels != null && labels.length != sequences.size()) {
            throw new IllegalArgumentException("a batch of " + sequences.size() + " sequences with " + labels.length + " labels");
        }
    }

    /** B, the number of sequences: what the mean of a loss divides by. */
    public int size() {
        return sequences.size();
    }
}
