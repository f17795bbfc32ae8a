package org.lora4j.spark;

import java.util.List;
import org.lora4j.tensor.Philox;

/**
 * How long a step takes on R workers, by a model of what they compute, send and wait for:
 *
 * <pre>
 *   T(R) = max over R workers of  c·exp(σ·z − σ²/2)          z ~ N(0, 1): no two machines take the same time
 *        + exchange(R)
 *
 *   c           = 4·P·t / F  with LoRA, 6·P·t / F  with all P parameters trained       t tokens of a worker's micro-batch
 *   exchange(R) = 2·(R − 1)/R·N·4 / β + 2·(α + (R − 1)·o)                              N numbers that train, 4 bytes each
 * </pre>
 *
 * α is the time a message needs on the network, o the time a worker needs for one more message, β the bytes a worker sends a
 * second. The first term of the exchange is what {@link SocketGroup} sends; forward and backward cost 2 and 4 operations for
 * each weight and token, of which LoRA saves the gradient of the frozen weights.
 *
 * @param flops     F, operations a second of a worker
 * @param bandwidth β, bytes a second
 * @param latency   α, seconds
 * @param overhead  o, seconds
 * @param spread    σ
 */
record ClusterModel(double flops, double bandwidth, double latency, double overhead, double spread) {

    private static final int DRAWS = 400;

    /** A model's size, and what LoRA trains of it: A and B of the queries' and values' maps in each layer. */
    record Shape(String name, long parameters, int layers, int width) {

        /** Those of the paper's tables, and the model that most people adapt. */
        static final List<Shape> KNOWN = List.of(
                new Shape("GPT-2 medium", 354_823_168L, 24, 1024),
                new Shape("RoBERTa-large", 355_359_744L, 24, 1024),
                new Shape("Llama 7B", 6_738_415_616L, 32, 4096),
                new Shape("GPT-3 175B", 174_591_682_560L, 96, 12288));

        /** 2 maps a layer, each with r·(in + out) numbers. */
        long adapted(int rank) {
            return 2L * layers * rank * 2 * width;
        }
    }

    /** The same with workers of another speed. */
    ClusterModel withFlops(double other) {
        return new ClusterModel(other, bandwidth, latency, overhead, spread);
    }

    /** Seconds that a worker computes, if it is neither lucky nor unlucky. */
    double compute(long parameters, long tokens, boolean full) {
        return (full ? 6.0 : 4.0) * parameters * tokens / flops;
    }

    /** Seconds of adding up N numbers among R workers. */
    double exchange(long numbers, int workers) {
        return workers == 1 ? 0 : bytes(numbers, workers) / bandwidth + 2 * (latency + (workers - 1) * overhead);
    }

    /** Bytes that each worker sends in a step. */
    static double bytes(long numbers, int workers) {
        return 2.0 * (workers - 1) / workers * numbers * Float.BYTES;
    }

    /** The mean of the slowest of R workers, as a multiple of one that takes c: by drawing, with a seed of its own. */
    double slowest(int workers) {
        if (workers == 1 || spread == 0) {
            return 1;
        }
        Philox draws = new Philox(workers);
        int site = Philox.site("spark.straggler");
        double sum = 0;
        for (int draw = 0; draw < DRAWS; draw++) {
            double most = 0;
            for (int worker = 0; worker < workers; worker++) {
                most = Math.max(most, Math.exp(spread * draws.normal(draw, site, worker) - spread * spread / 2));
            }
            sum += most;
        }
        return sum / DRAWS;
    }

    /** T(R) in seconds. */
    double step(Shape shape, long tokens, int rank, int workers, boolean full) {
        return compute(shape.parameters, tokens, full) * slowest(workers)
                + exchange(full ? shape.parameters : shape.adapted(rank), workers);
    }

    /** Of R workers' time the part that is not spent sending and waiting: c / T(R). */
    double efficiency(Shape shape, long tokens, int rank, int workers, boolean full) {
        return compute(shape.parameters, tokens, full) / step(shape, tokens, rank, workers, full);
    }
}
