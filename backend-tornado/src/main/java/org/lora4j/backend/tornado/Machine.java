package org.lora4j.backend.tornado;

/**
 * Memory, what is recorded, and what runs it: keeps the order between the calls that are recorded and those that move
 * numbers at once.
 */
final class Machine implements AutoCloseable {

    private final DeviceMemory memory;
    private final Recording recording;
    private final Executor executor;
    private boolean closed;

    Machine(DeviceMemory memory, Recording recording, Executor executor) {
        this.memory = memory;
        this.recording = recording;
        this.executor = executor;
    }

    DeviceMemory memory() {
        return memory;
    }

    Recording recording() {
        requireOpen();
        return recording;
    }

    Executor executor() {
        return executor;
    }

    String describe() {
        return executor.describe();
    }

    /** A stretch of zeros. */
    Block allocate(long length) {
        requireOpen();
        memory.collect();
        if (memory.mustGrowFor(length) && !executor.isHome()) {
            System.gc(); // what is unreachable may be enough, and spares moving everything
            memory.collect();
        }
        if (memory.mustGrowFor(length)) {
            executor.bringHome();
            memory.growFor(length);
        }
        DeviceMemory.Allocation allocation = memory.allocate(length);
        Block block = allocation.block();
        if (allocation.dirty()) {
            recording.add(new Listed(Launch.of(Kernel.FILL, new int[3], 0), 2)
                    .entry(block.length(), block.offset()).writing(Region.of(block, block.length())));
        }
        return block;
    }

    void write(float[] src, int from, int offset, int count) {
        requireOpen();
        if (executor.isHome() && !recording.touches(new Region(offset, offset + count))) {
            System.arraycopy(src, from, memory.values(), offset, count);
            return;
        }
        run();
        executor.write(src, from, offset, count);
    }

    void read(int offset, float[] dst, int to, int count) {
        requireOpen();
        run();
        if (executor.isHome()) {
            System.arraycopy(memory.values(), offset, dst, to, count);
        } else {
            executor.read(offset, dst, to, count);
        }
    }

    double sum(int offset, int count, boolean squares) {
        requireOpen();
        run();
        return executor.sum(offset, count, squares);
    }

    /** Runs what is recorded. */
    void run() {
        if (!recording.isEmpty()) {
            executor.run(recording.take());
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("this tornado backend is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
        executor.close();
    }
}
