package org.lora4j.experiments.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.lora4j.LoraException;

/** How long a thread has had a core, as Linux counts it: what others on the same core get does not count. */
public final class ThreadTime {

    private static final Path FILE = Path.of("/proc/thread-self/schedstat");

    private ThreadTime() {
    }

    /** Nanoseconds of this thread so far. */
    public static long nanos() {
        try {
            String counted = Files.readString(FILE);
            return Long.parseLong(counted.substring(0, counted.indexOf(' ')));
        } catch (IOException e) {
            throw new LoraException("`cpu`: this system does not count a thread's time in " + FILE + ", as Linux does");
        }
    }
}
