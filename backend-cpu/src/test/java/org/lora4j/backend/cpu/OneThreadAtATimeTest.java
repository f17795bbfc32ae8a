package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What operations share belongs to one thread at a time: a second one is refused, and the first goes on undisturbed. */
class OneThreadAtATimeTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aSecondThreadIsRefusedWhileAnOperationIsUnderWay(int threads) throws InterruptedException {
        try (Workers workers = new Workers(threads)) {
            Gemm gemm = new Gemm(workers);
            float[] a = Fixtures.normal(1, 64 * 64, 1);
            float[] expected = product(gemm, a);
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch mayEnd = new CountDownLatch(1);
            AtomicInteger done = new AtomicInteger();
            CompletableFuture<Void> first = CompletableFuture.runAsync(() -> workers.run(5, task -> {
                begun.countDown();
                await(mayEnd);
                done.incrementAndGet();
            }), Thread.ofPlatform()::start);
            begun.await();
            assertThatThrownBy(() -> product(gemm, a)).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("one thread at a time");
            assertThatThrownBy(() -> workers.run(1, task -> { })).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> gemm.freeze(a)).isInstanceOf(IllegalStateException.class);
            mayEnd.countDown();
            first.join();
            assertThat(done).hasValue(5);
            assertThat(product(gemm, a)).containsExactly(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void threadsMayTakeTurns(int threads) {
        try (Workers workers = new Workers(threads)) {
            Gemm gemm = new Gemm(workers);
            float[] a = Fixtures.normal(1, 64 * 64, 1);
            float[] here = product(gemm, a);
            float[] there = CompletableFuture.supplyAsync(() -> product(gemm, a), Thread.ofPlatform()::start).join();
            assertThat(there).containsExactly(here);
            assertThat(product(gemm, a)).containsExactly(here);
        }
    }

    /** An operation that fails lets go. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void afterAFailureAnotherThreadMayGoOn(int threads) {
        try (Workers workers = new Workers(threads)) {
            assertThatThrownBy(() -> CompletableFuture.runAsync(() -> workers.run(4, task -> {
                throw new IndexOutOfBoundsException("task " + task);
            }), Thread.ofPlatform()::start).join()).isInstanceOf(CompletionException.class)
                    .hasCauseInstanceOf(IndexOutOfBoundsException.class);
            AtomicInteger done = new AtomicInteger();
            workers.run(4, task -> done.incrementAndGet());
            assertThat(done).hasValue(4);
        }
    }

    private static float[] product(Gemm gemm, float[] a) {
        float[] c = new float[64 * 64];
        gemm.multiply(64, 64, 64, a, 0, 64, false, a, 0, 64, true, c, 0, 64, 1, 0, null);
        return c;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
