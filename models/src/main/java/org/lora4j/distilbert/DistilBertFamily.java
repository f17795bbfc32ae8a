package org.lora4j.distilbert;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.encoder.EncoderConfig.Sizes;
import org.lora4j.encoder.EncoderFamily;
import org.lora4j.encoder.Spelling;
import org.lora4j.family.ModelConfig;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;

/** DistilBERT (Sanh et al. 2019): half of BERT's blocks, one kind of tokens, and a head of two maps. */
public final class DistilBertFamily extends EncoderFamily {

    private static final Spelling SPELLING = new Spelling(
            new Spelling.Sizes("dim", "n_layers", "n_heads", "hidden_dim"), "activation", "dropout", "attention_dropout",
            "seq_classif_dropout", 0.2, new Spelling.Defaults(30522, 0, 6, 0, 1e-12, false, Spelling.Positions.COLUMNS));

    public DistilBertFamily() {
        super(new DistilBertNames(), SPELLING);
    }

    @Override
    public String architecture() {
        return "DistilBertForSequenceClassification";
    }

    @Override
    public Tokenizer tokenizer(Path folder) {
        return Tokenizers.bert(folder, false);
    }

    @Override
    public Map<String, ModelConfig> shapes() {
        Map<String, ModelConfig> shapes = new LinkedHashMap<>();
        shapes.put("distilbert-base-uncased", shape(new Sizes(30522, 512, 768, 6, 12, 3072)));
        shapes.put("distilbert-base-cased", shape(new Sizes(28996, 512, 768, 6, 12, 3072)));
        return shapes;
    }
}
