package org.lora4j.backend.tornado;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicReference;
import org.lora4j.backend.tornado.kernel.TransferKernels;
import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Runs kernels as a GPU does, in plain Java: a kernel with work groups by as many threads as a group has work items, which
 * share the group's local memory and wait for each other at its barriers. Groups run one after the other.
 */
final class WorkGroups extends HostExecutor {

    private final List<Kernel> kernels;

    private WorkGroups(DeviceMemory memory, List<Kernel> kernels) {
        super(memory);
        this.kernels = kernels;
    }

    /**
     * A backend whose kernels run so, in their second form where they have one.
     *
     * @param kernels gets the kernels that were run
     */
    static TornadoBackend backend(List<Kernel> kernels) {
        DeviceMemory memory = new DeviceMemory();
        return new TornadoBackend(new Machine(memory, new Recording(true), new WorkGroups(memory, kernels)));
    }

    @Override
    public void run(List<Launch> launches) {
        tables.clear();
        for (Launch launch : new Tiling(true).choose(launches)) {
            kernels.add(launch.kernel());
            tables.reserve(launch);
            tables.encode(launch, args, factors, 0);
            if (launch.kernel().isTiled()) {
                for (int group = 0; group < Tiling.groups(launch); group++) {
                    runGroup(launch.kernel(), group);
                }
            } else {
                launch.kernel().java().run(memory.values(), tables.values(), args, factors, 0);
            }
        }
    }

    private void runGroup(Kernel kernel, int group) {
        int size = Tiling.group(kernel);
        CyclicBarrier barrier = new CyclicBarrier(size);
        List<float[]> shared = new ArrayList<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> items = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            Item item = new Item(group, i, barrier, shared);
            items.add(Thread.ofVirtual().start(() -> {
                try {
                    Tasks.tiled(kernel).apply(item, memory.values(), tables.values(), args, factors, 0);
                } catch (Throwable thrown) {
                    failure.compareAndSet(null, thrown);
                    barrier.reset();
                }
            }));
        }
        try {
            for (Thread item : items) {
                item.join();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
        if (failure.get() != null) {
            throw new IllegalStateException(kernel + ", group " + group, failure.get());
        }
    }

    /** One work item's view of its group. */
    private static final class Item extends KernelContext {

        private final CyclicBarrier barrier;
        private final List<float[]> shared;
        private int allocated;

        Item(int group, int item, CyclicBarrier barrier, List<float[]> shared) {
            this.barrier = barrier;
            this.shared = shared;
            set("groupIdx", group);
            set("localIdx", item);
        }

        private void set(String name, int value) {
            try {
                Field field = KernelContext.class.getField(name);
                field.setAccessible(true);
                field.set(this, value);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public float[] allocateFloatLocalArray(int size) {
            synchronized (shared) { // the n-th array of one item is the n-th of all
                if (shared.size() == allocated) {
                    float[] array = new float[size];
                    Arrays.fill(array, Float.NaN); // a device does not clear it
                    shared.add(array);
                }
                return shared.get(allocated++);
            }
        }

        @Override
        public void localBarrier() {
            try {
                barrier.await();
            } catch (InterruptedException | BrokenBarrierException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    @Override
    public double sum(int offset, int count, boolean squares) {
        double[] sums = new double[1];
        TransferKernels.sums(memory.values(), tables.values(), sums, new int[] {count, offset, 1, squares ? 1 : 0});
        return sums[0];
    }

    @Override
    public long launches() {
        return kernels.size();
    }

    @Override
    public String describe() {
        return "the kernels' second forms in plain Java";
    }
}
