package org.lora4j.backend.tornado;

import java.util.List;
import org.lora4j.backend.tornado.kernel.TransferKernels;

/**
 * Runs the kernels' plain forms as the Java they are, one work item after the other, on any JVM. It is there for tests of
 * the kernels and of what is recorded, and no user's choice of a backend ends here.
 */
final class JavaExecutor implements Executor {

    private static final int PARTS = 64;

    private final DeviceMemory memory;
    private final Tables tables = new Tables(1 << 12);
    private final int[] args = new int[Launch.ARGS];
    private final float[] factors = new float[Launch.FACTORS];
    private long launches;

    JavaExecutor(DeviceMemory memory) {
        this.memory = memory;
    }

    @Override
    public void run(List<Launch> list) {
        tables.clear();
        for (Launch launch : list) {
            tables.reserve(launch);
            tables.encode(launch, args, factors, 0);
            launch.kernel().java().run(memory.values(), tables.values(), args, factors, 0);
            launches++;
        }
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
    public double sum(int offset, int count, boolean squares) {
        double[] sums = new double[PARTS];
        TransferKernels.sums(memory.values(), tables.values(), sums, new int[] {count, offset, PARTS, squares ? 1 : 0});
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum;
    }

    @Override
    public void bringHome() {
    }

    @Override
    public boolean isHome() {
        return true;
    }

    @Override
    public long launches() {
        return launches;
    }

    @Override
    public String describe() {
        return "the kernels as plain Java, one thread";
    }

    @Override
    public void close() {
    }
}
