package org.lora4j.task;

import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Workspace;

/**
 * A number that says how well a model does on some data. It has a name and a direction, and so training can keep the best.
 *
 * @param <B> the batches that the model takes
 */
public interface Measure<B> {

    /** Whether more of it is better. */
    enum Direction {
        /** As of a loss. */
        LOWER_IS_BETTER("lowest"),
        /** As of an accuracy. */
        HIGHER_IS_BETTER("highest");

        private final String best;

        Direction(String best) {
            this.best = best;
        }

        /** Whether {@code value} is strictly better than {@code other}; no number is worse than any. */
        public boolean isBetter(double value, double other) {
            return !Double.isNaN(value)
                    && (Double.isNaN(other) || (this == LOWER_IS_BETTER ? value < other : value > other));
        }

        /** The word for the best of several: lowest or highest. */
        public String best() {
            return best;
        }
    }

    /** Its word in messages and, behind {@code dev_}, in {@code metrics.jsonl}: {@code loss}, {@code accuracy}. */
    String name();

    /** Whether more of it is better, or less. */
    Direction direction();

    /**
     * The number of a model on these batches, without dropout; it is not finite where the model's outputs are not.
     *
     * @param batches at least one
     * @param done    is told how many batches are behind
     */
    double of(TrainableModel<B> model, List<B> batches, Workspace ws, IntConsumer done);

    /**
     * A number that was measured.
     *
     * @param value what the best is the best by
     * @param named by names, for logs: it, and what else was found on the way
     */
    record Measured(double value, Map<String, Double> named) {
    }

    /** {@link #of}, with what else a log is told. */
    default Measured measured(TrainableModel<B> model, List<B> batches, Workspace ws, IntConsumer done) {
        double value = of(model, batches, ws, done);
        return new Measured(value, named(value));
    }

    /** The value by its name, and what else follows from it, as a perplexity from a loss: for logs. */
    default Map<String, Double> named(double value) {
        return Map.of(name(), value);
    }
}
