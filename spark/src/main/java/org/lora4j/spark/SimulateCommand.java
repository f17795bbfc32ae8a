package org.lora4j.spark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lora4j-spark simulate}. */
@Command(name = "simulate", sortOptions = false, mixinStandardHelpOptions = true, description = {
        "Says how training would scale to so many workers, by a model of communication.",
        "",
        "A step takes as long as the slowest worker computes, and then the exchange of what trains: A and B with LoRA, all weights "
                + "with full fine-tuning. The formula stands in docs/spark.md. --measure says what this machine's own exchange takes."})
final class SimulateCommand implements Callable<Integer> {

    private static final double MEGA = 1e6;
    private static final double GIGA = 1e9;

    @Option(names = "--gflops", defaultValue = "150,200000", split = ",", paramLabel = "X", description = "Speeds of a worker, in billions "
            + "of operations a second (default: ${DEFAULT-VALUE}: two cores of a server, and a large GPU).")
    private List<Double> gflops;

    @Option(names = "--gbits", defaultValue = "10", paramLabel = "X", description = "Its network, in Gbit/s (default: ${DEFAULT-VALUE}).")
    private double gbits;

    @Option(names = "--latency", defaultValue = "100", paramLabel = "MICROSECONDS",
            description = "Of a message (default: ${DEFAULT-VALUE}).")
    private double latency;

    @Option(names = "--overhead", defaultValue = "5", paramLabel = "MICROSECONDS",
            description = "Of a worker for each further message (default: ${DEFAULT-VALUE}).")
    private double overhead;

    @Option(names = "--spread", defaultValue = "0.05", paramLabel = "X",
            description = "Of workers' times, as the logarithm's standard deviation (default: ${DEFAULT-VALUE}).")
    private double spread;

    @Option(names = "--tokens", defaultValue = "2048", paramLabel = "N", description = "Of each worker in a step (default: ${DEFAULT-VALUE}).")
    private long tokens;

    @Option(names = "--rank", defaultValue = "4", paramLabel = "R", description = "LoRA's, on queries and values (default: ${DEFAULT-VALUE}).")
    private int rank;

    @Option(names = "--measure", description = "First measure the exchange of 1 to 4 workers on this machine, and take its latency and "
            + "bandwidth.")
    private boolean measure;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Option(names = "--out", paramLabel = "FILE", description = "Also write a page with the figure.")
    private Path out;

    /** One point of the figure. */
    record Point(double gflops, String model, String method, int workers, double seconds, double efficiency, double megabytes) {
    }

    @Override
    public Integer call() throws Exception {
        ClusterModel model = new ClusterModel(GIGA, gbits * GIGA / 8, latency / MEGA, overhead / MEGA, spread);
        if (measure) {
            ExchangeMeasurement measured = ExchangeMeasurement.here();
            System.err.println(measured);
            model = new ClusterModel(model.flops(), measured.bandwidth(), measured.latency(), measured.overhead(), spread);
        }
        List<Point> points = new ArrayList<>();
        for (double speed : gflops) {
            points.addAll(points(model.withFlops(speed * GIGA)));
        }
        if (json) {
            System.out.println(new com.fasterxml.jackson.databind.ObjectMapper().writerWithDefaultPrettyPrinter()
                    .writeValueAsString(Map.of("assumptions", assumptions(model), "points", points)));
        } else {
            table(points);
        }
        if (out != null) {
            ScalingPage.write(out, points, assumptions(model));
        }
        return 0;
    }

    private List<Point> points(ClusterModel model) {
        List<Point> points = new ArrayList<>();
        for (ClusterModel.Shape shape : ClusterModel.Shape.KNOWN) {
            for (boolean full : new boolean[] {false, true}) {
                for (int workers = 1; workers <= 1024; workers *= 2) {
                    long numbers = full ? shape.parameters() : shape.adapted(rank);
                    points.add(new Point(model.flops() / GIGA, shape.name(), full ? "full" : "LoRA", workers, model.step(shape, tokens, rank, workers, full),
                            model.efficiency(shape, tokens, rank, workers, full), ClusterModel.bytes(numbers, workers) / MEGA));
                }
            }
        }
        return points;
    }

    private Map<String, Object> assumptions(ClusterModel model) {
        Map<String, Object> assumptions = new LinkedHashMap<>();
        assumptions.put("bytes a second", model.bandwidth());
        assumptions.put("latency in seconds", model.latency());
        assumptions.put("seconds for each further message", model.overhead());
        assumptions.put("spread of workers' times", model.spread());
        assumptions.put("tokens of a worker in a step", tokens);
        assumptions.put("rank", rank);
        return assumptions;
    }

    private static void table(List<Point> points) {
        System.out.printf("%8s %-14s %-5s %8s %14s %11s %18s%n", "GFLOP/s", "model", "", "workers", "seconds a step", "efficiency", "MB a worker sends");
        for (Point point : points) {
            if (point.workers == 1 || point.workers == 16 || point.workers == 128 || point.workers == 1024) {
                System.out.printf("%8.0f %-14s %-5s %8d %14.3f %10.1f%% %18.2f%n", point.gflops, point.model, point.method, point.workers, point.seconds,
                        100 * point.efficiency, point.megabytes);
            }
        }
    }
}
