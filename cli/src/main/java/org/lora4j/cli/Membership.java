package org.lora4j.cli;

import java.util.function.BooleanSupplier;
import org.lora4j.train.WorkerGroup;

/**
 * What a command knows that a worker of a cluster runs: with whom it trains, and who tells it to stop.
 *
 * @param group of which worker 0 writes the files and prints; the others are silent
 * @param stop  whether the run was asked to end after its step
 */
public record Membership(WorkerGroup group, BooleanSupplier stop) {

    /** Of a process on its own. */
    static final Membership NONE = new Membership(WorkerGroup.ALONE, () -> false);

    boolean isAlone() {
        return this == NONE;
    }

    /** Whether this process writes the files and prints. */
    boolean leads() {
        return group.rank() == 0;
    }
}
