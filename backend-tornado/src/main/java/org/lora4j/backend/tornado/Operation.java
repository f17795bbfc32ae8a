package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.List;

/** A recorded operation: a launch, and what it reads and writes, from which one sees whether two may change places. */
class Operation {

    private final List<Region> reads = new ArrayList<>(4);
    private final List<Region> writes = new ArrayList<>(2);
    private Launch launch;

    Operation(Launch launch) {
        this.launch = launch;
    }

    final Operation reading(Region... regions) {
        reads.addAll(List.of(regions));
        return this;
    }

    final Operation writing(Region... regions) {
        writes.addAll(List.of(regions));
        return this;
    }

    Launch launch() {
        return launch;
    }

    final boolean reads(Region region) {
        return anyOverlaps(reads, region);
    }

    final boolean writes(Region region) {
        return anyOverlaps(writes, region);
    }

    final boolean touches(Region region) {
        return reads(region) || writes(region);
    }

    /** Whether this and another operation give the same in either order. */
    final boolean isIndependentOf(Operation other) {
        for (Region written : writes) {
            if (other.touches(written)) {
                return false;
            }
        }
        for (Region written : other.writes) {
            if (reads(written)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Takes another operation's work into this one's launch, to be done after its own, if they are of a kind and do not
     * depend on each other.
     */
    boolean absorb(Operation next) {
        return false;
    }

    /** Takes over what the absorbed operation reads and writes. */
    final void alsoTouch(Operation other) {
        reads.addAll(other.reads);
        writes.addAll(other.writes);
    }

    private static boolean anyOverlaps(List<Region> regions, Region region) {
        for (Region candidate : regions) {
            if (candidate.overlaps(region)) {
                return true;
            }
        }
        return false;
    }
}
