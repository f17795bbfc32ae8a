package org.lora4j.tuning;

import org.lora4j.LoraException;
import org.lora4j.model.Model;

/**
 * Trains the last n Transformer blocks and nothing else: with n = 2 the FT-Top2 of the paper's table 3 (Li and Liang 2021),
 * 25,192,448 parameters of GPT-2 medium. The final norm, the head of a language model and the embeddings stay frozen; the head of a
 * classifier trains.
 *
 * @param count n, at least 1
 */
public record TopBlocks(int count) implements TuningMethod {

    /** Requires at least one block. */
    public TopBlocks {
        if (count < 1) {
            throw new LoraException("top blocks: expected at least 1, found " + count);
        }
    }

    @Override
    public String name() {
        return "top:" + count;
    }

    @Override
    public String title() {
        return count == 1 ? "training the last block" : "training the last " + count + " blocks";
    }

    @Override
    public Tuning attach(Model model, long seed) {
        int blocks = model.sizes().blocks();
        if (count > blocks) {
            throw new LoraException(name() + ": " + model.description() + " has " + blocks + " blocks");
        }
        return TrainedCopies.of(this, model, parameter -> model.blockOf(parameter) >= blocks - count);
    }
}
