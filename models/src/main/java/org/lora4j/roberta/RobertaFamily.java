package org.lora4j.roberta;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.encoder.EncoderConfig.Sizes;
import org.lora4j.encoder.EncoderFamily;
import org.lora4j.encoder.Spelling;
import org.lora4j.family.ModelConfig;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;

/** RoBERTa (Liu et al. 2019): BERT with positions counted behind the padding, one kind of tokens, and a head of two maps. */
public final class RobertaFamily extends EncoderFamily {

    private static final Spelling SPELLING = new Spelling(
            new Spelling.Sizes("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"), "hidden_act",
            "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout", null,
            new Spelling.Defaults(50265, 1, 12, 2, 1e-12, true, Spelling.Positions.BEHIND_PADDING));
    private static final double EPSILON = 1e-5;

    public RobertaFamily() {
        super(new RobertaNames(), SPELLING);
    }

    @Override
    public String architecture() {
        return "RobertaForSequenceClassification";
    }

    @Override
    public Tokenizer tokenizer(Path folder) {
        return Tokenizers.roberta(folder);
    }

    @Override
    public Map<String, ModelConfig> shapes() {
        Map<String, ModelConfig> shapes = new LinkedHashMap<>();
        shapes.put("roberta-base", shape(new Sizes(50265, 514, 768, 12, 12, 3072), 1, EPSILON));
        shapes.put("roberta-large", shape(new Sizes(50265, 514, 1024, 24, 16, 4096), 1, EPSILON));
        shapes.put("distilroberta-base", shape(new Sizes(50265, 514, 768, 6, 12, 3072), 1, EPSILON));
        return shapes;
    }
}
