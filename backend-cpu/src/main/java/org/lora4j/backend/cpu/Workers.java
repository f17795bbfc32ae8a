package org.lora4j.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;

/**
 * A team of threads that runs the tasks 0 … n − 1 of one operation and waits until all are done. The caller is a member.
 *
 * <p>Tasks are claimed one at a time, so a core that is slowed down by something else holds up the others by one task at
 * most; and a member that does not even get a core in time is not waited for: it joins the next operation. Which thread
 * runs a task must not change what the task computes: that is how the backend gives the same bits with any number of
 * threads.
 *
 * <p>Between operations that follow closely the members spin, since waking a parked thread takes longer than many
 * operations of a small model; after {@link #SPIN_NANOS} without work they park.
 */
final class Workers implements AutoCloseable {

    /** How long a member looks for work before it sleeps. */
    private static final long SPIN_NANOS = 200_000;

    private static final long ONE_GENERATION = 1L << 32;

    private final Thread[] members;

    /** Upper half: counts openings and closings, odd while an operation is open. Lower half: members that joined it. */
    private final AtomicLong state = new AtomicLong();
    private final AtomicInteger left = new AtomicInteger();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger parked = new AtomicInteger();

    /** The thread whose operation is under way, or null. */
    private final AtomicReference<Thread> user = new AtomicReference<>();

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

    /**
     * Says that this thread is at work with what the operations share, until {@link #leave}: a second one would compute wrong
     * numbers, and make those of the first wrong. It costs an exchange in the nearest cache.
     *
     * @return what {@code leave} wants to be told: whether this thread was not at work already
     * @throws IllegalStateException if another thread is
     */
    boolean enter() {
        Thread me = Thread.currentThread();
        Thread other = user.get();
        if (other == me) {
            return false;
        }
        if (other == null && user.compareAndSet(null, me)) {
            return true;
        }
        throw new IllegalStateException("this cpu backend is at work in another thread than " + me.getName()
                + ". Use a backend in one thread at a time, or create one for each thread.");
    }

    /** @param entered what {@link #enter} returned */
    void leave(boolean entered) {
        if (entered) {
            user.set(null);
        }
    }

    /**
     * Runs {@code task} for 0 … n − 1, each exactly once, and returns when all have; rethrows the first failure.
     *
     * @throws IllegalStateException if another thread is at work with this team
     */
    void run(int n, IntConsumer task) {
        boolean entered = enter();
        try {
            runAll(n, task);
        } finally {
            leave(entered);
        }
    }

    private void runAll(int n, IntConsumer task) {
        if (n <= 1 || members.length == 0) {
            for (int i = 0; i < n; i++) {
                task.accept(i);
            }
            return;
        }
        this.task = task;
        taskCount = n;
        next.set(0);
        left.set(0);
        state.set((state.get() & -ONE_GENERATION) + ONE_GENERATION);
        if (parked.get() != 0) {
            for (Thread member : members) {
                LockSupport.unpark(member);
            }
        }
        claimTasks(task, n);
        int joined = (int) state.getAndAdd(ONE_GENERATION);
        for (int spins = 1; left.get() != joined; spins++) {
            if ((spins & 0xFFF) == 0) {
                Thread.yield(); // more threads than cores: let the one we wait for run
            }
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
        long seen = 0;
        while (true) {
            long now = awaitOpening(seen);
            if (closed) {
                return;
            }
            if (state.compareAndSet(now, now + 1)) {
                seen = now & -ONE_GENERATION;
                claimTasks(task, taskCount);
                left.getAndIncrement();
            }
        }
    }

    /** The state of an operation that is open and that this member has not taken part in, or any if the team is closed. */
    private long awaitOpening(long seen) {
        long idleSince = System.nanoTime();
        for (int spins = 1; ; spins++) {
            long now = state.get();
            if (isNew(now, seen) || closed) {
                return now;
            }
            Thread.onSpinWait();
            if ((spins & 63) == 0 && System.nanoTime() - idleSince > SPIN_NANOS) {
                parked.getAndIncrement();
                while (!isNew(state.get(), seen) && !closed) {
                    LockSupport.park(this);
                }
                parked.getAndDecrement();
                idleSince = System.nanoTime();
            }
        }
    }

    private static boolean isNew(long state, long seen) {
        long generation = state & -ONE_GENERATION;
        return (generation & ONE_GENERATION) != 0 && generation != seen;
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
