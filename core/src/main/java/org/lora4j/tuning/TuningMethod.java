package org.lora4j.tuning;

import org.lora4j.model.Model;

/** A method of adaptation with its settings, for any model: {@code new FullFineTuning()}, {@code new TopBlocks(2)}. */
public interface TuningMethod {

    /** The word for it on a command line and in a checkpoint, settings included, such as {@code top:2}. */
    String name();

    /** What to call it in a report. */
    String title();

    /** How many positions of every sequence it takes for tokens of its own. */
    default int positions() {
        return 0;
    }

    /**
     * Prepares the model for training by this method. The base's tensors are never written.
     *
     * @param seed of whatever is initialised at random; of no effect where nothing is
     * @throws org.lora4j.LoraException if the model has nothing that this method trains; the model is then as it was
     */
    Tuning attach(Model model, long seed);
}
