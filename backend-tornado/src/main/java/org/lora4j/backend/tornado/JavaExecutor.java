package org.lora4j.backend.tornado;

import java.util.List;
import org.lora4j.backend.tornado.kernel.TransferKernels;

/**
 * Runs the kernels' plain forms as the Java they are, one work item after the other, on any JVM. It is there for tests of
 * the kernels and of what is recorded, and no user's choice of a backend ends here.
 */
final class JavaExecutor extends HostExecutor {

    private static final int PARTS = 64;

    private long launches;

    JavaExecutor(DeviceMemory memory) {
        super(memory);
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
    public long launches() {
        return launches;
    }

    @Override
    public String describe() {
        return "the kernels as plain Java, one thread";
    }
}
