package org.lora4j.plan;

import java.util.Locale;

/** What memory of a step goes to. */
public enum Term {

    /** The frozen base. */
    WEIGHTS("weights, frozen"),
    /** What the method adds: new matrices, or copies of those of the base that train. */
    TRAINED("what trains"),
    /** Of what trains. */
    GRADIENTS("gradients"),
    /** The optimiser's. */
    MOMENTS("moments"),
    /** What backward reads again. */
    ACTIVATIONS("activations"),
    /** What layers share and need for a moment. */
    SCRATCH("scratch"),
    /** Of a language model's head, and their gradient in their place. */
    LOGITS("logits"),
    /** Frozen weights a second time, as a backend lays them out for products. */
    LAYOUTS("weights, laid out"),
    /** Java itself. */
    JAVA("Java itself");

    private final String title;

    Term(String title) {
        this.title = title;
    }

    /** As a table shows it. */
    public String title() {
        return title;
    }

    /** As JSON has it. */
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
