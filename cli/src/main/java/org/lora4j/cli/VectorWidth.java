package org.lora4j.cli;

import jdk.incubator.vector.FloatVector;

/** The one class here that needs {@code jdk.incubator.vector}: loaded only where that module is. */
final class VectorWidth {

    private VectorWidth() {
    }

    /** The vectors the JVM prefers on this machine. */
    static int bits() {
        return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
}
