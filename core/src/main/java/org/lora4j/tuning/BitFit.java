package org.lora4j.tuning;

import org.lora4j.model.Model;

/**
 * Trains the bias vectors and freezes everything else (Zaken et al. 2021; the paper's section 5.1, BitFit): the biases of
 * linear maps and those of norms; of a classifier the head's weights too, as there. On a model whose maps and norms have no bias
 * there is nothing to train, which is an error.
 */
public final class BitFit implements TuningMethod {

    @Override
    public String name() {
        return "bitfit";
    }

    @Override
    public String title() {
        return "BitFit";
    }

    @Override
    public Tuning attach(Model model, long seed) {
        return TrainedCopies.of(this, model, parameter -> parameter.name().endsWith(".bias"));
    }
}
