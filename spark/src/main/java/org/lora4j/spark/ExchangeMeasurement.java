package org.lora4j.spark;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.lora4j.train.WorkerGroup.Contribution;
import org.lora4j.train.WorkerGroup.Partial;

/**
 * What the exchange of gradients takes on this machine, between threads that talk over its loopback: the constants of
 * {@link ClusterModel}, as a least-squares fit to medians.
 *
 * @param latency   α in seconds
 * @param overhead  o in seconds
 * @param bandwidth β in bytes a second
 * @param worst     the largest relative error of the fit
 */
record ExchangeMeasurement(double latency, double overhead, double bandwidth, double worst) {

    private static final int ROUNDS = 21;
    private static final int[] NUMBERS = {1_000, 100_000, 1_000_000};
    private static final int[] WORKERS = {2, 3, 4};

    static ExchangeMeasurement here() throws Exception {
        List<double[]> rows = new ArrayList<>(); // of 2, 2(R − 1), bytes: seconds
        List<Double> seconds = new ArrayList<>();
        median(2, NUMBERS[2]); // until it is compiled
        for (int workers : WORKERS) {
            for (int numbers : NUMBERS) {
                rows.add(new double[] {2, 2 * (workers - 1), ClusterModel.bytes(numbers, workers)});
                seconds.add(median(workers, numbers));
            }
        }
        double[] fit = fit(rows, seconds);
        double worst = 0;
        for (int i = 0; i < rows.size(); i++) {
            double said = 0;
            for (int k = 0; k < fit.length; k++) {
                said += fit[k] * rows.get(i)[k];
            }
            worst = Math.max(worst, Math.abs(said / seconds.get(i) - 1));
        }
        return new ExchangeMeasurement(Math.max(0, fit[0]), Math.max(0, fit[1]), 1 / Math.max(1e-15, fit[2]), worst);
    }

    /** Seconds of one sum, the median of several. */
    private static double median(int workers, int numbers) throws Exception {
        byte[] secret = new byte[Meeting.SECRET];
        List<Meeting> meetings = new ArrayList<>();
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (int rank = 0; rank < workers; rank++) {
            meetings.add(Meeting.on("127.0.0.1", secret));
            addresses.add(new InetSocketAddress("127.0.0.1", meetings.getLast().port()));
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(workers)) {
            List<Future<double[]>> timed = new ArrayList<>();
            for (int rank = 0; rank < workers; rank++) {
                int own = rank;
                timed.add(threads.submit(() -> {
                    double[] times = new double[ROUNDS];
                    try (SocketGroup group = SocketGroup.connect(own, meetings.get(own), addresses)) {
                        Contribution part = new Contribution(List.of(new Partial(1, new double[numbers])), workers, numbers, true, false);
                        for (int round = 0; round < ROUNDS; round++) {
                            group.agree("the round", Integer.toString(round));
                            long start = System.nanoTime();
                            group.sum(part);
                            times[round] = (System.nanoTime() - start) * 1e-9;
                        }
                        group.agree("the end", "");
                    }
                    return times;
                }));
            }
            double[] times = timed.getFirst().get();
            for (Future<double[]> other : timed) {
                other.get();
            }
            Arrays.sort(times);
            return times[ROUNDS / 2];
        } finally {
            for (Meeting meeting : meetings) {
                meeting.close();
            }
        }
    }

    /** Weights that make Σ (row·x / y − 1)² least, by the normal equations of three unknowns. */
    private static double[] fit(List<double[]> rows, List<Double> values) {
        int n = 3;
        double[][] a = new double[n][n + 1];
        for (int i = 0; i < rows.size(); i++) {
            for (int j = 0; j < n; j++) {
                double x = rows.get(i)[j] / values.get(i);
                for (int k = 0; k < n; k++) {
                    a[j][k] += x * rows.get(i)[k] / values.get(i);
                }
                a[j][n] += x;
            }
        }
        for (int j = 0; j < n; j++) {
            for (int i = 0; i < n; i++) {
                if (i != j) {
                    double factor = a[i][j] / a[j][j];
                    for (int k = 0; k <= n; k++) {
                        a[i][k] -= factor * a[j][k];
                    }
                }
            }
        }
        return new double[] {a[0][n] / a[0][0], a[1][n] / a[1][1], a[2][n] / a[2][2]};
    }

    @Override
    public String toString() {
        return "exchange on this machine: latency %.0f µs, %.1f µs for each further worker, %.2f GB/s; the fit is within %.0f %%".formatted(
                latency * 1e6, overhead * 1e6, bandwidth * 1e-9, 100 * worst);
    }
}
