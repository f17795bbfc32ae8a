package org.lora4j.backend.tornado;

/** Runs kernels on the host's own array: nothing is moved, and nothing has to be brought home. */
abstract class HostExecutor implements Executor {

    final DeviceMemory memory;
    final Tables tables = new Tables(1 << 12);
    final int[] args = new int[Launch.ARGS];
    final float[] factors = new float[Launch.FACTORS];

    HostExecutor(DeviceMemory memory) {
        this.memory = memory;
    }

    @Override
    public void write(float[] src, int from, int offset, int count) {
        System.arraycopy(src, from, memory.values(), offset, count);
    }

    @Override
    public void read(int offset, float[] dst, int to, int count) {
        System.arraycopy(memory.values(), offset, dst, to, count);
    }

    @Override
    public void bringHome() {
    }

    @Override
    public boolean isHome() {
        return true;
    }

    @Override
    public void close() {
    }
}
