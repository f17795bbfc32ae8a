package org.lora4j.backend.cpu;

import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Precision;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Times products: one line per shape, {@code m n k form milliseconds}, forms nn, nt (x·Wᵀ), tn (gᵀ·x) and nf (nt with a
 * frozen weight). Arguments: threads, then shapes as m,n,k or m,n,k,form.
 */
public final class GemmTimes {

    private GemmTimes() {
    }

    public static void main(String[] arguments) {
        int threads = Integer.parseInt(arguments[0]);
        try (CpuBackend backend = new CpuBackend(new BackendOptions(threads, Precision.STRICT))) {
            for (int warm = 0; warm < 2; warm++) {
                for (String form : new String[] {"nn", "nt", "tn", "nf"}) {
                    time(backend, threads, 300, 300, 300, form, 0.7);
                }
            }
            for (String shape : Arrays.copyOfRange(arguments, 1, arguments.length)) {
                String[] parts = shape.split(",");
                for (String form : parts.length > 3 ? new String[] {parts[3]} : new String[] {"nn", "nt", "tn", "nf"}) {
                    int m = Integer.parseInt(parts[0]);
                    int n = Integer.parseInt(parts[1]);
                    int k = Integer.parseInt(parts[2]);
                    double[] seconds = time(backend, threads, m, n, k, form, 0.6);
                    System.out.printf("%d %d %d %s %.4f ms %.1f GFLOP/s, best %.1f%n", m, n, k, form, seconds[0] * 1e3, 2e-9 * m * n * k / seconds[0], 2e-9 * m * n * k / seconds[1]);
                }
            }
        }
    }

    /** The median of the calls that fit in the given time, after a few to warm up; at least 5. */
    private static double[] time(CpuBackend backend, int threads, int m, int n, int k, String form, double budget) {
        boolean aTransposed = form.charAt(0) == 't';
        boolean bTransposed = form.charAt(1) != 'n';
        Tensor a = backend.allocate(aTransposed ? Shape.of(k, m) : Shape.of(m, k));
        Tensor b = backend.allocate(bTransposed ? Shape.of(n, k) : Shape.of(k, n));
        Tensor c = backend.allocate(Shape.of(m, n));
        fill(backend, a);
        fill(backend, b);
        if (form.charAt(1) == 'f') {
            backend.freeze(b);
        }
        double[] seconds = new double[20_000];
        int count = 0;
        long begin = System.nanoTime();
        while (count < seconds.length && (count < 8 || (System.nanoTime() - begin) * 1e-9 < budget)) {
            long start = clock(threads);
            backend.matmul(
                    aTransposed ? a.matrix().t() : a.matrix(), bTransposed ? b.matrix().t() : b.matrix(), c.matrix(), 1, 0);
            seconds[count++] = (clock(threads) - start) * 1e-9;
        }
        double[] measured = Arrays.copyOfRange(seconds, count / 5, count);
        Arrays.sort(measured);
        return new double[] {measured[measured.length / 2], measured[0]};
    }

    /** With one thread its own processor time, which other programs on the machine disturb less. */
    private static long clock(int threads) {
        return threads == 1 ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() : System.nanoTime();
    }

    private static void fill(CpuBackend backend, Tensor tensor) {
        float[] values = new float[(int) tensor.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i * 7919L % 1001) / 500f - 1;
        }
        backend.upload(values, tensor);
    }
}
