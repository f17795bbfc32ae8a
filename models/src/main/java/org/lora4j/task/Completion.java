package org.lora4j.task;

import java.util.List;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;

/**
 * Learns to complete contexts, the conditional language modelling of the paper's equations 1 and 2:
 *
 * <pre>
 *   L = −1/n · Σ_(x, y) Σ_t log p(y_t | x, y_&lt;t)         n = Σ |y|
 * </pre>
 *
 * Which position predicts which token is {@link org.lora4j.data.NextTokens}' to say.
 */
public final class Completion implements Objective<EncodedExample, Batch> {

    @Override
    public String name() {
        return "completion";
    }

    @Override
    public int length(EncodedExample example) {
        return example.length();
    }

    @Override
    public Batch batch(List<EncodedExample> examples) {
        return Batch.of(examples);
    }

    @Override
    public long targets(Batch batch) {
        return batch.targets();
    }

    @Override
    public long tokens(Batch batch) {
        return batch.tokens();
    }

    @Override
    public long rows(Batch batch) {
        return batch.inputIds().length;
    }
}
