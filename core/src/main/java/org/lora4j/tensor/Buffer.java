package org.lora4j.tensor;

import java.util.Optional;

/**
 * Memory that belongs to one backend: only that backend knows what is inside. Model code never looks into it; host data
 * goes in and out by {@code Backend.upload} and {@code Backend.read}.
 */
public interface Buffer {

    /** The number of elements this memory can hold. */
    long capacity();

    /**
     * New memory of the same kind and size, where that is not what {@code Backend.allocate} gives: a frozen weight may be held in
     * a smaller type, see {@code Backend.allocateWeight}.
     */
    default Optional<Buffer> another() {
        return Optional.empty();
    }
}
