package org.lora4j.server;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The one thread that computes. Others give it things to do between its steps. */
final class WorkThread {

    /** How long it sleeps at most where there is nothing to do: deadlines are looked at as often. */
    private static final long NAP_MILLIS = 200;

    /** What it is at work on. */
    interface Work {

        /** One piece, short enough that others may wait for it; whether there is more to do at once. */
        boolean step();

        /** A step did not come to its end. */
        void failed(Throwable why);

        /** Whether everything that was asked for is answered. */
        boolean isDone();

        /** Ends what is not. */
        void abort();
    }

    private final LinkedBlockingQueue<Runnable> commands = new LinkedBlockingQueue<>();
    private final Work work;
    private final Thread thread;
    private volatile boolean ending;
    private volatile long deadline = Long.MAX_VALUE;

    WorkThread(String name, Work work) {
        this.work = work;
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    boolean isAlive() {
        return thread.isAlive();
    }

    /** Does it between two steps; where the thread has ended, never. */
    void tell(Runnable command) {
        commands.add(command);
    }

    /** What it gives, computed between two steps; fails where that fails. */
    <T> CompletableFuture<T> ask(Supplier<T> question) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        tell(() -> {
            try {
                answer.complete(question.get());
            } catch (RuntimeException | Error e) {
                answer.completeExceptionally(e);
            }
        });
        return answer;
    }

    /** Ends when everything is answered, or after a while; returns then. */
    void end(Duration patience) {
        deadline = System.nanoTime() + patience.toNanos();
        ending = true;
        commands.add(() -> { });
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        boolean more = true;
        while (!ending || !work.isDone() || !commands.isEmpty()) {
            try {
                runCommands(more);
                if (ending && System.nanoTime() > deadline) {
                    work.abort();
                }
                more = work.step();
            } catch (InterruptedException e) {
                work.abort();
                return;
            } catch (Throwable e) { // out of memory too: the next request may be a smaller one
                work.failed(e);
                more = true;
            }
        }
    }

    private void runCommands(boolean more) throws InterruptedException {
        Runnable command = more ? commands.poll() : commands.poll(NAP_MILLIS, TimeUnit.MILLISECONDS);
        for (; command != null; command = commands.poll()) {
            command.run();
        }
    }
}
