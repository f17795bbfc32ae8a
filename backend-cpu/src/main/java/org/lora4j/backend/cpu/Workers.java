package org.lora4j.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * A team of threads that runs the tasks 0 … n − 1 of one operation and waits for them all. The caller is a member.
 *
 * <p>Tasks are claimed one at a time, so a core that is slowed down by something else holds up the others by one task at
 * most. Which thread runs a task must not change what the task computes: that is how the backend gives the same bits
 * with any number of threads.
 *
 * <p>Between operations that follow closely the members spin, since waking a parked thread takes longer than many
 * operations of a small model; after {@link #SPIN_NANOS} without work they park.
 */
final class Workers implements AutoCloseable {

    /** How long a member looks for work before it sleeps. */
    private static final long SPIN_NANOS = 200_000;

    private final Thread[] members;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();

    private volatile int generation;
    private volatile boolean closed;
    private volatile Throwable failure;
    private int taskCount;
    private IntConsumer task;

    Workers(int threads) {
        members = new Thread[threads - 1];
        for (int i = 0; i < members.length; i++) {
            members[i] = new Thread(this::work, "lora4j-cpu-" + (i + 1));
            members[i].setDaemon(true);
            members[i].start();
        }
    }

    /** The number of threads that share the tasks, the caller included. */
    int threads() {
        return members.length + 1;
    }

    /** Runs {@code task} for 0 … n − 1, each exactly once, and returns when all have; rethrows the first failure. */
    void run(int n, IntConsumer task) {
        if (n <= 1 || members.length == 0) {
            for (int i = 0; i < n; i++) {
                task.accept(i);
            }
            return;
        }
        this.task = task;
        this.taskCount = n;
        next.set(0);
        running.set(members.length);
        generation++;
        for (Thread member : members) {
            LockSupport.unpark(member);
        }
        claimTasks(task, n);
        while (running.get() != 0) {
            Thread.onSpinWait();
        }
        this.task = null;
        Throwable thrown = failure;
        if (thrown != null) {
            failure = null;
            if (thrown instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) thrown; // an IntConsumer throws nothing checked
        }
    }

    private void claimTasks(IntConsumer task, int n) {
        try {
            for (int i = next.getAndIncrement(); i < n; i = next.getAndIncrement()) {
                task.accept(i);
            }
        } catch (Throwable thrown) {
            failure = thrown;
            next.set(n);
        }
    }

    private void work() {
        int seen = 0;
        while (true) {
            long idleSince = System.nanoTime();
            while (generation == seen) {
                if (closed) {
                    return;
                }
                if (System.nanoTime() - idleSince > SPIN_NANOS) {
                    LockSupport.parkNanos(this, 50_000_000);
                } else {
                    Thread.onSpinWait();
                }
            }
            seen++;
            claimTasks(task, taskCount);
            running.getAndDecrement();
        }
    }

    /** Ends the members. Idempotent. */
    @Override
    public void close() {
        closed = true;
        for (Thread member : members) {
            LockSupport.unpark(member);
        }
    }
}
