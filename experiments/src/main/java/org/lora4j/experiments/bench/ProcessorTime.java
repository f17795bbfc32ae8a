package org.lora4j.experiments.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the system has counted of its processors' time so far, in its ticks.
 *
 * @param all    what there was
 * @param idle   what nobody used
 * @param stolen what the host of a virtual machine gave to others
 */
public record ProcessorTime(long all, long idle, long stolen) {

    /** Now; zeros where the system does not say; Linux does, in a file. */
    public static ProcessorTime now() {
        try {
            return of(Files.readString(Path.of("/proc/stat")));
        } catch (IOException e) {
            return new ProcessorTime(0, 0, 0);
        }
    }

    /** The line {@code cpu user nice system idle iowait irq softirq steal …} of {@code /proc/stat}. */
    static ProcessorTime of(String stat) {
        String[] words = stat.lines().findFirst().orElse("").strip().split("\\s+");
        if (words.length < 9 || !words[0].equals("cpu")) {
            return new ProcessorTime(0, 0, 0);
        }
        long all = 0;
        for (int i = 1; i <= 8; i++) {
            all += Long.parseLong(words[i]);
        }
        return new ProcessorTime(all, Long.parseLong(words[4]) + Long.parseLong(words[5]), Long.parseLong(words[8]));
    }

    /** The stolen part of what there has been since then, from 0 to 1. */
    public double stolenSince(ProcessorTime then) {
        return all == then.all ? 0 : (double) (stolen - then.stolen) / (all - then.all);
    }
}
