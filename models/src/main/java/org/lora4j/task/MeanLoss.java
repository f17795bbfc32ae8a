package org.lora4j.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Workspace;

/**
 * The mean of an objective's losses over all targets, every target counting the same; without dropout and without label
 * smoothing, whatever the training does. Of a language model that is −log p in nats a token, and e to its power the
 * perplexity.
 *
 * @param objective whose loss
 * @param <B>       the batches that the model takes
 */
public record MeanLoss<B>(Objective<?, B> objective) implements Measure<B> {

    /** Its {@link #name}. */
    public static final String NAME = "loss";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Direction direction() {
        return Direction.LOWER_IS_BETTER;
    }

    @Override
    public double of(TrainableModel<B> model, List<B> batches, Workspace ws, IntConsumer done) {
        double sum = 0;
        long targets = 0;
        for (int i = 0; i < batches.size(); i++) {
            sum += objective.loss(model, batches.get(i), ws);
            targets += objective.targets(batches.get(i));
            done.accept(i + 1);
        }
        return sum / targets;
    }

    @Override
    public Map<String, Double> named(double value) {
        Map<String, Double> named = new LinkedHashMap<>();
        named.put(NAME, value);
        named.put("perplexity", Math.exp(value));
        return named;
    }
}
