package org.lora4j.train;

import java.util.List;
import java.util.function.IntConsumer;
import org.lora4j.data.Batch;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Workspace;

/**
 * How well a model predicts some data.
 *
 * @param loss    mean of −log p over all targets, in nats a token; every target counts the same
 * @param targets how many there were
 */
public record Evaluation(double loss, long targets) {

    /** e^loss: the number of equally likely tokens the model hesitates between. */
    public double perplexity() {
        return Math.exp(loss);
    }

    /** Without dropout and without label smoothing, whatever the training does. */
    public static Evaluation of(LanguageModel model, List<Batch> batches, Workspace ws) {
        return of(model, batches, ws, done -> { });
    }

    /** The same, telling {@code progress} the number of batches done. */
    public static Evaluation of(
            LanguageModel model, List<Batch> batches, Workspace ws, IntConsumer progress) {
        double sum = 0;
        long targets = 0;
        for (int i = 0; i < batches.size(); i++) {
            sum += model.loss(batches.get(i), 0, ws);
            targets += batches.get(i).targets();
            progress.accept(i + 1);
        }
        return new Evaluation(sum / targets, targets);
    }
}
