package org.lora4j.train;

import java.util.List;
import java.util.function.IntConsumer;
import org.lora4j.data.Batch;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Workspace;
import org.lora4j.task.Completion;
import org.lora4j.task.MeanLoss;
import org.lora4j.task.Measure;
import org.lora4j.task.Objective;

/**
 * How well a model does on some data.
 *
 * @param measure what was measured
 * @param value   what it is
 * @param targets how many there were
 */
public record Evaluation(Measure<?> measure, double value, long targets) {

    /**
     * The mean of −log p over all targets, in nats a token.
     *
     * @throws IllegalStateException if something else was measured
     */
    public double loss() {
        if (!measure.name().equals(MeanLoss.NAME)) {
            throw new IllegalStateException("measured was the " + measure.name() + ", not the loss");
        }
        return value;
    }

    /** e^loss: the number of equally likely tokens the model hesitates between. */
    public double perplexity() {
        return Math.exp(loss());
    }

    /** The loss of completions, without dropout and without label smoothing. */
    public static Evaluation of(LanguageModel model, List<Batch> batches, Workspace ws) {
        return of(model, batches, ws, done -> { });
    }

    /** The same, telling {@code progress} the number of batches done. */
    public static Evaluation of(LanguageModel model, List<Batch> batches, Workspace ws, IntConsumer progress) {
        Completion completion = new Completion();
        Measure<Batch> loss = new MeanLoss<>(completion);
        return new Evaluation(loss, loss.of(model, batches, ws, progress), targets(completion, batches));
    }

    static <B> long targets(Objective<?, B> objective, List<B> batches) {
        return batches.stream().mapToLong(objective::targets).sum();
    }
}
