package org.lora4j.plan;

import org.lora4j.backend.WeightType;

/**
 * How many bytes the numbers of a step have. lora4j computes in float32 with AdamW whatever the base is held in; other values
 * are for planning what other software would need.
 *
 * @param base      of the frozen base's matrices
 * @param trained   bytes of a number that trains, and of its gradient
 * @param moment    bytes of a moment
 * @param moments   of a number that trains: two with Adam, one with momentum, none without
 */
public record NumberTypes(WeightType base, int trained, int moment, int moments) {

    /** As lora4j trains. */
    public static NumberTypes of(WeightType base) {
        return new NumberTypes(base, Float.BYTES, Float.BYTES, 2);
    }

    /** Whether it is what lora4j does. */
    public boolean areOurs() {
        return equals(of(base));
    }
}
