package org.lora4j.family;

import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.Names;

/**
 * What LoRA takes for a family's language models where nobody says otherwise.
 *
 * @param rank         r
 * @param alpha        the update counts alpha / r
 * @param dropout      on the input of each update
 * @param targets      what gets an update, as a user writes it
 * @param learningRate its peak
 */
public record TuningDefaults(int rank, double alpha, double dropout, String targets, double learningRate) {

    /** What people take for decoders of today. */
    public static final TuningDefaults USUAL = new TuningDefaults(16, 32, 0.05, "all-linear", 2e-4);

    /** The paper's, on E2E. */
    public static final TuningDefaults PAPER = new TuningDefaults(4, 32, 0, "q,v", 2e-4);

    /** With a rank that is no larger than a matrix that it sits beside, as tiny models have them; alpha / r stays. */
    TuningDefaults fitting(int smallest) {
        return rank <= smallest ? this : new TuningDefaults(smallest, alpha * smallest / rank, dropout, targets, learningRate);
    }

    /** By the names of the settings. */
    public Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("rank", Integer.toString(rank));
        settings.put("alpha", Names.number(alpha));
        settings.put("dropout", Names.number(dropout));
        settings.put("targets", targets);
        settings.put("learningRate", Double.toString(learningRate).replace(".0E", "e").replace('E', 'e'));
        return settings;
    }
}
