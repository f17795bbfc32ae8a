package org.lora4j.tuning;

import org.lora4j.model.Model;

/**
 * Full fine-tuning, which the paper compares everything with (section 5.1, FT): every parameter of the model trains, the
 * embeddings too. With Φ₀ the pretrained parameters, all |Φ₀| numbers of ΔΦ are learnt (equation 1).
 *
 * <p>Each parameter trains on a copy, so {@link Tuning#detach} gives back Φ₀ bit for bit. With Adam a step holds about four
 * times the trained numbers: value, gradient and two moments.
 */
public final class FullFineTuning implements TuningMethod {

    @Override
    public String name() {
        return "full";
    }

    @Override
    public String title() {
        return "full fine-tuning";
    }

    @Override
    public Tuning attach(Model model, long seed) {
        return TrainedCopies.of(this, model, parameter -> true);
    }
}
