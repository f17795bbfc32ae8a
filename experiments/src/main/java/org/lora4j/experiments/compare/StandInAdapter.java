package org.lora4j.experiments.compare;

import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.Philox;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * Something that trains, where no adapter was given: an update of rank {@value #RANK} beside every linear map of every
 * block, A and B from N(0, 0.02²), so that no gradient is zero; of a classifier also its head. The same floats for the same seed on every backend.
 */
public final class StandInAdapter {

    private static final int RANK = 4;
    private static final double STANDARD_DEVIATION = 0.02;

    private StandInAdapter() {
    }

    /** Attaches an adapter of random A and B to every linear map, so that a comparison has one. */
    public static LoraAdapter attach(Model model, long seed) {
        int rank = Math.min(RANK, model.sizes().width());
        LoraConfig config = LoraConfig.of(rank, rank).withTargets(TargetSelector.byExpression(TargetSelector.ALL_LINEAR));
        LoraAdapter adapter = LoraAdapter.attach(model, config, seed);
        for (Parameter parameter : adapter.trainable()) {
            float[] values = new float[Math.toIntExact(parameter.size())];
            new Philox(seed).fillNormal(values, STANDARD_DEVIATION, 0, Philox.site(parameter.name()));
            model.backend().upload(values, parameter.value());
        }
        return adapter;
    }
}
