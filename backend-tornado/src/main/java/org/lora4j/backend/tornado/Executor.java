package org.lora4j.backend.tornado;

import java.util.List;
import java.util.Map;

/** What runs launches on a {@link DeviceMemory}, and moves numbers in and out. All calls come in the order of the work. */
interface Executor extends AutoCloseable {

    /** Runs these launches one after the other. */
    void run(List<Launch> launches);

    /** memory[offset … offset + count − 1] ← src[from … ]. */
    void write(float[] src, int from, int offset, int count);

    /** dst[to … to + count − 1] ← memory[offset … ]. */
    void read(int offset, float[] dst, int to, int count);

    /** Σ of count numbers from an offset on, or of their squares, in double and a fixed order. */
    double sum(int offset, int count, boolean squares);

    /** Brings the whole memory back to the host's array, where it may then be changed or replaced. */
    void bringHome();

    /** Whether the host's array is the memory, and not an old copy of it. */
    boolean isHome();

    /** Kernels run so far. */
    long launches();

    /** Kernels run so far, and what else is worth counting. */
    default Map<String, Long> counters() {
        return Map.of("kernels", launches());
    }

    /** What it runs on, in one line. */
    String describe();

    @Override
    void close();
}
