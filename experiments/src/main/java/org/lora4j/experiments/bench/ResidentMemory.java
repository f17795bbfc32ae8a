package org.lora4j.experiments.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much physical memory this process has had at once, as the operating system counts it. */
public final class ResidentMemory {

    private ResidentMemory() {
    }

    /** The peak in bytes; −1 where the system does not say; Linux does, in a file. */
    public static long peakBytes() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
                if (line.startsWith("VmHWM:")) {
                    return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
                }
            }
        } catch (IOException e) {
            // not Linux
        }
        return -1;
    }
}
