package org.lora4j.tensor;

/**
 * Memory that belongs to one backend: only that backend knows what is inside. Model code never looks into it; host data
 * goes in and out by {@code Backend.upload} and {@code Backend.read}.
 */
public interface Buffer {

    /** The number of elements this memory can hold. */
    long capacity();
}
