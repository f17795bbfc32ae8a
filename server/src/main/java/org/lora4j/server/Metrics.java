package org.lora4j.server;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.DoubleSupplier;

/** What the server counts, in the text form that Prometheus reads. */
final class Metrics {

    private static final double[] SECONDS = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
    private static final int WINDOW = 10;

    private final Map<String, LongAdder> answered = new ConcurrentHashMap<>();
    private final Map<String, DoubleSupplier> gauges = new TreeMap<>();
    private final Map<String, DoubleSupplier> counters = new TreeMap<>();
    private final Map<String, String> help = new TreeMap<>();
    private final AtomicLong[] perSecond = new AtomicLong[WINDOW + 1];
    private final AtomicLong[] second = new AtomicLong[WINDOW + 1];
    private final long start = System.nanoTime();

    final LongAdder promptTokens = new LongAdder();
    final LongAdder writtenTokens = new LongAdder();
    final LongAdder cancelled = new LongAdder();
    final LongAdder loads = new LongAdder();
    final LongAdder unloads = new LongAdder();
    final Histogram firstToken = new Histogram();
    final Histogram wholeAnswer = new Histogram();
    final Histogram waiting = new Histogram();
    final Histogram steps = new Histogram();
    final Histogram attaching = new Histogram();

    Metrics() {
        counter("lora4j_prompt_tokens_total", "Tokens of prompts.", promptTokens::sum);
        counter("lora4j_generated_tokens_total", "Tokens that were written.", writtenTokens::sum);
        counter("lora4j_cancelled_total", "Answers whose client went away.", cancelled::sum);
        counter("lora4j_adapter_loads_total", "Adapters that came into memory.", loads::sum);
        counter("lora4j_adapter_unloads_total", "Adapters that left memory.", unloads::sum);
        gauge("lora4j_tokens_per_second", "Tokens written in the last ten seconds, each second's.", this::tokensPerSecond);
        gauge("lora4j_adapter_attach_seconds_max", "Longest time that an adapter held up the engine.", attaching::longest);
        Runtime process = Runtime.getRuntime();
        gauge("lora4j_heap_used_bytes", "Memory in use, what nobody needs any more included.",
                () -> process.totalMemory() - process.freeMemory());
        counter("process_cpu_seconds_total", "Processor time of the whole process.", () -> ProcessHandle.current().info()
                .totalCpuDuration().map(time -> time.toNanos() * 1e-9).orElse(Double.NaN));
        gauge("lora4j_heap_limit_bytes", "Memory that Java may use.", process::maxMemory);
        for (int i = 0; i < perSecond.length; i++) {
            perSecond[i] = new AtomicLong();
            second[i] = new AtomicLong(-1);
        }
    }

    /** Durations by how many of them are at most so long. */
    static final class Histogram {

        private final LongAdder[] buckets = new LongAdder[SECONDS.length + 1];
        private final LongAdder nanos = new LongAdder();
        private final AtomicLong longest = new AtomicLong();

        Histogram() {
            for (int i = 0; i < buckets.length; i++) {
                buckets[i] = new LongAdder();
            }
        }

        void add(long duration) {
            int at = 0;
            while (at < SECONDS.length && duration > SECONDS[at] * 1e9) {
                at++;
            }
            buckets[at].increment();
            nanos.add(duration);
            longest.accumulateAndGet(duration, Math::max);
        }

        double longest() {
            return longest.get() * 1e-9;
        }

        double sum() {
            return nanos.sum() * 1e-9;
        }

        long count() {
            long count = 0;
            for (LongAdder bucket : buckets) {
                count += bucket.sum();
            }
            return count;
        }
    }

    /** To be called before anybody reads. */
    void gauge(String name, String what, DoubleSupplier value) {
        gauges.put(name, value);
        help.put(name, what);
    }

    void counter(String name, String what, DoubleSupplier value) {
        counters.put(name, value);
        help.put(name, what);
    }

    /** @param route as the server knows it, not as somebody typed it */
    void answered(String route, int status) {
        answered.computeIfAbsent("route=\"" + route + "\",status=\"" + status + "\"", key -> new LongAdder()).increment();
    }

    void wrote() {
        writtenTokens.increment();
        long now = (System.nanoTime() - start) / 1_000_000_000;
        int at = (int) (now % perSecond.length);
        long before = second[at].get();
        if (before != now && second[at].compareAndSet(before, now)) {
            perSecond[at].set(0);
        }
        perSecond[at].incrementAndGet();
    }

    /** Tokens of the last whole seconds, each second's. */
    double tokensPerSecond() {
        long now = (System.nanoTime() - start) / 1_000_000_000;
        long sum = 0;
        for (int i = 0; i < perSecond.length; i++) {
            long of = second[i].get();
            sum += of >= 0 && of < now && of >= now - WINDOW ? perSecond[i].get() : 0;
        }
        return (double) sum / Math.max(1, Math.min(WINDOW, now));
    }

    String text() {
        StringBuilder out = new StringBuilder();
        head(out, "lora4j_requests_total", "counter", "Requests that were answered, by route and status.");
        new TreeMap<>(answered).forEach((labels, count) ->
                out.append("lora4j_requests_total{").append(labels).append("} ").append(count.sum()).append('\n'));
        counters.forEach((name, value) -> one(out, name, "counter", value));
        gauges.forEach((name, value) -> one(out, name, "gauge", value));
        histogram(out, "lora4j_time_to_first_token_seconds", "From the request to its first token.", firstToken);
        histogram(out, "lora4j_request_seconds", "From the request to its last token.", wholeAnswer);
        histogram(out, "lora4j_queue_seconds", "From the request to when it is at work.", waiting);
        histogram(out, "lora4j_step_seconds", "A step of the engine.", steps);
        return out.toString();
    }

    private void one(StringBuilder out, String name, String type, DoubleSupplier value) {
        head(out, name, type, help.get(name));
        out.append(name).append(' ').append(number(value.getAsDouble())).append('\n');
    }

    private static void head(StringBuilder out, String name, String type, String what) {
        out.append("# HELP ").append(name).append(' ').append(what).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void histogram(StringBuilder out, String name, String what, Histogram histogram) {
        head(out, name, "histogram", what);
        long count = 0;
        for (int i = 0; i < histogram.buckets.length; i++) {
            count += histogram.buckets[i].sum();
            String le = i < SECONDS.length ? number(SECONDS[i]) : "+Inf";
            out.append(name).append("_bucket{le=\"").append(le).append("\"} ").append(count).append('\n');
        }
        out.append(name).append("_sum ").append(number(histogram.sum())).append('\n');
        out.append(name).append("_count ").append(count).append('\n');
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value)
                : String.format(Locale.ROOT, "%.6g", value);
    }
}
