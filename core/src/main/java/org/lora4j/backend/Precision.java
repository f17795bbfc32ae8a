package org.lora4j.backend;

/** How much freedom a backend has with the order of its arithmetic. */
public enum Precision {
    /** The order of every reduction is fixed: the same bits on every run, with any number of threads. */
    STRICT,
    /** Reductions may be reordered and fast approximations with a stated error may be used. */
    FAST
}
