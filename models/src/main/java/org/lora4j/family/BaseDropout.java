package org.lora4j.family;

import org.jspecify.annotations.Nullable;

/**
 * Dropout of a base model while it is trained. Null leaves what the model's {@code config.json} says, as Transformers does.
 *
 * @param body      on the sum of the embeddings and on each branch
 * @param attention on the attention's weights
 * @param head      in the classification head
 */
public record BaseDropout(@Nullable Double body, @Nullable Double attention, @Nullable Double head) {

    /** All as {@code config.json} says. */
    public static final BaseDropout CONFIGURED = new BaseDropout(null, null, null);
    /** None at all. */
    public static final BaseDropout NONE = everywhere(0);

    /** Requires probabilities from 0 to below 1. */
    public BaseDropout {
        requireProbability("body", body);
        requireProbability("attention", attention);
        requireProbability("head", head);
    }

    private static void requireProbability(String what, @Nullable Double p) {
        if (p != null && !(p >= 0 && p < 1)) {
            throw new IllegalArgumentException("dropout of the " + what + " is " + p + ", expected 0 or more and below 1");
        }
    }

    /** One probability at all places. */
    public static BaseDropout everywhere(double p) {
        return new BaseDropout(p, p, p);
    }

    /** The same with another one in the head. */
    public BaseDropout withHead(double p) {
        return new BaseDropout(body, attention, p);
    }
}
