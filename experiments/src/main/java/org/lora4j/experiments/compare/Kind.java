package org.lora4j.experiments.compare;

/** What a {@link Measured} value is. In the order in which they are computed. */
public enum Kind {
    /** The result of a part of the model, in forward. */
    VALUE("forward"),
    /** The derivative of the loss by such a result, in backward. */
    FLOW("backward"),
    /** The derivative of the loss by a trainable tensor. */
    GRADIENT("gradients"),
    /** A trainable tensor after an update step, or that step's loss. */
    UPDATE("updates");

    private final String title;

    Kind(String title) {
        this.title = title;
    }

    /** As a heading says it. */
    public String title() {
        return title;
    }
}
