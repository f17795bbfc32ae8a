package org.lora4j.server;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.generate.Engine;
import org.lora4j.generate.EngineLimits;
import org.lora4j.generate.Request;
import org.lora4j.generate.Ticket;
import org.lora4j.tuning.lora.AdapterSet;

/**
 * Texts: an {@link Engine} and those who wait for it. Everything here happens in the {@link WorkThread}, but for what is said to
 * be otherwise.
 *
 * <p><b>Who is next</b> (start-time fair queueing, Goyal et al. 1996). Each adapter has a queue of its own, and each request a
 * tag: where the adapter's last one ends, counted in tokens that it may write, but no earlier than what is at work now. The
 * smallest tag is next. So requests are answered in their order, and a client that sends a hundred to one adapter does not keep
 * those of another one waiting. What does not fit into memory now is waited for, so that short requests do not overtake it for
 * ever.
 */
final class TextWork implements WorkThread.Work {

    private final AdapterSet set;
    private final EngineLimits limits;
    private final AdapterShelf shelf;
    private final Metrics metrics;
    private final AtomicInteger waiting = new AtomicInteger();
    private final List<Writing> writing = new ArrayList<>();
    private volatile Engine engine;
    private long arrivals;
    /** The largest tag at work. */
    private long now;
    private volatile int texts;
    private volatile int positions;
    private volatile long read;
    private volatile long shared;
    private long readBefore;
    private long sharedBefore;
    /** For how long a client that is sent away should stay away. */
    private volatile double secondsEach = 1;

    TextWork(AdapterSet set, EngineLimits limits, AdapterShelf shelf, Metrics metrics) {
        this.set = set;
        this.limits = limits;
        this.shelf = shelf;
        this.metrics = metrics;
        engine = new Engine(set, limits);
        metrics.gauge("lora4j_queue_requests", "Requests that wait.", waiting::get);
        metrics.gauge("lora4j_running_texts", "Texts that are being written.", () -> texts);
        metrics.gauge("lora4j_positions_used", "Positions whose keys and values are kept.", () -> positions);
        metrics.gauge("lora4j_positions_limit", "Positions whose keys and values have room.", engine::positions);
        metrics.counter("lora4j_prompt_positions_read_total", "Positions of prompts that were computed.", () -> read);
        metrics.counter("lora4j_prompt_positions_shared_total", "Positions of prompts that an earlier one had computed.", () -> shared);
    }

    // ------------------------------------------------------------------------------------------------ any thread

    /** Whether so many more may wait; they are counted as waiting if so. */
    boolean reserve(int count, int most) {
        int now = waiting.get();
        while (now == 0 || now + count <= most) { // a list of prompts longer than the queue is taken where it is alone
            if (waiting.compareAndSet(now, now + count)) {
                return true;
            }
            now = waiting.get();
        }
        return false;
    }

    /** Whether it fits beside nothing else; what does not is refused. */
    boolean isPossible(Request request) {
        return engine.isWithinLimits(request);
    }

    /** Positions whose keys and values have room. */
    long positions() {
        return engine.positions();
    }

    /** Seconds until there may be room in the queue. */
    int retryAfter() {
        return (int) Math.clamp(Math.ceil(waiting.get() * secondsEach / limits.texts()), 1, 60);
    }

    // ------------------------------------------------------------------------------------------------ the work thread

    Engine engine() {
        return engine;
    }

    /** Takes one that {@link #reserve} has counted. */
    void add(Writing asked) {
        if (asked.adapter.leaving) {
            waiting.decrementAndGet();
            asked.fail(ApiException.notFound("The adapter was unloaded"));
            return;
        }
        asked.adapter.end = asked.tagged(Math.max(now, asked.adapter.end), arrivals++);
        asked.adapter.waiting.add(asked);
        shelf.want(asked.adapter);
    }

    /** The client has gone. */
    void cancel(Writing asked) {
        if (asked.ticket != null) {
            asked.ticket.cancel();
        } else if (asked.adapter.waiting.remove(asked)) {
            waiting.decrementAndGet();
            shelf.tend();
        }
        if (!asked.isClosed()) {
            metrics.cancelled.increment();
        }
    }

    /** Everything that waits for an adapter is refused. */
    void refuse(ServedAdapter adapter, ApiException why) {
        for (Writing asked = adapter.waiting.poll(); asked != null; asked = adapter.waiting.poll()) {
            waiting.decrementAndGet();
            asked.fail(why);
        }
    }

    @Override
    public boolean step() {
        dropLate();
        shelf.tend();
        admit();
        if (writing.isEmpty()) {
            return false;
        }
        long begin = System.nanoTime();
        engine.step();
        metrics.steps.add(System.nanoTime() - begin);
        for (Iterator<Writing> each = writing.iterator(); each.hasNext();) {
            Writing one = each.next();
            if (one.ticket.isDone()) {
                each.remove();
                left(one);
                finish(one, one.ticket.failure());
            }
        }
        note();
        return true;
    }

    private void finish(Writing one, @Nullable RuntimeException failure) {
        if (failure == null) {
            one.done();
        } else if (failure instanceof LoraException refused) {
            one.fail(ApiException.failed(refused.getMessage()));
        } else {
            one.fail(ApiException.failed("The answer failed: " + failure));
        }
    }

    private void left(Writing one) {
        one.adapter.users--;
        if (one.adapter.leaving && one.adapter.users == 0) {
            shelf.drop(one.adapter);
        }
        double share = 0.1;
        secondsEach += share * (one.age() * 1e-9 - secondsEach);
    }

    private void note() {
        texts = engine.texts();
        positions = engine.positionsInUse();
        read = readBefore + engine.positionsRead();
        shared = sharedBefore + engine.positionsShared();
    }

    private void admit() {
        Collection<ServedAdapter> wanted = shelf.wanted();
        while (true) {
            ServedAdapter next = null;
            for (ServedAdapter each : wanted) {
                if (!each.waiting.isEmpty() && each.inMemory && !each.held
                        && (next == null || each.waiting.peek().isBefore(next.waiting.peek()))) {
                    next = each;
                }
            }
            if (next == null || !engine.hasRoomFor(next.waiting.peek().request)) {
                break;
            }
            begin(next.waiting.poll());
        }
        wanted.removeIf(each -> each.waiting.isEmpty());
    }

    private void begin(Writing one) {
        waiting.decrementAndGet();
        try {
            Ticket ticket = engine.submit(one.request);
            one.begin(ticket);
            one.adapter.users++;
            one.adapter.begun = true;
            now = Math.max(now, one.tag());
            one.adapter.lastUsed = System.nanoTime();
            writing.add(one);
        } catch (LoraException refused) {
            one.fail(ApiException.refused(refused));
        }
    }

    private void dropLate() {
        for (ServedAdapter adapter : shelf.wanted()) {
            adapter.waiting.removeIf(one -> {
                if (one.isLate()) {
                    waiting.decrementAndGet();
                    one.fail(ApiException.withStatus(504, "timeout", "The answer was not begun in time: the server is busy"));
                    return true;
                }
                return false;
            });
        }
        for (Writing one : writing) {
            if (one.isLate()) {
                one.fail(ApiException.withStatus(504, "timeout", "The answer was not ready in time"));
                one.ticket.cancel();
            }
        }
    }

    @Override
    public boolean isDone() {
        return writing.isEmpty() && waiting.get() == 0;
    }

    @Override
    public void abort() {
        shelf.wanted().forEach(adapter -> refuse(adapter, ApiException.ending()));
        for (Writing one : writing) {
            one.fail(ApiException.ending());
            one.ticket.cancel();
            left(one);
        }
        writing.clear();
        waiting.set(0);
    }

    /** All that was at work is told, and a new engine begins: the old one may be in the middle of something. */
    @Override
    public void failed(Throwable why) {
        String message = why instanceof OutOfMemoryError ? "The server's memory is full" : "The server failed: " + why;
        for (Writing one : writing) {
            one.fail(ApiException.withStatus(500, "server_error", message));
            left(one);
        }
        writing.clear();
        readBefore = read;
        sharedBefore = shared;
        engine = new Engine(set, limits);
        texts = 0;
        positions = 0;
    }
}
