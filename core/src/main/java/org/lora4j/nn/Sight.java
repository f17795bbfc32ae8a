package org.lora4j.nn;

/** Which positions of its sequence a position attends to; padding is never seen. */
public enum Sight {
    /** Itself and those before it: a model that writes. */
    EARLIER,
    /** All, before and after it: a model that reads. */
    ALL
}
