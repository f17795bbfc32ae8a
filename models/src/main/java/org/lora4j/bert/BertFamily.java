package org.lora4j.bert;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.encoder.EncoderConfig.Sizes;
import org.lora4j.encoder.EncoderFamily;
import org.lora4j.encoder.Spelling;
import org.lora4j.family.ModelConfig;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;

/** BERT (Devlin et al. 2018): positions by column, two kinds of tokens, and a pooler before the head. */
public final class BertFamily extends EncoderFamily {

    private static final Spelling SPELLING = new Spelling(
            new Spelling.Sizes("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"), "hidden_act",
            "hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout", null,
            new Spelling.Defaults(30522, 0, 12, 2, 1e-12, true, Spelling.Positions.COLUMNS));

    public BertFamily() {
        super(new BertNames(), SPELLING);
    }

    @Override
    public String architecture() {
        return "BertForSequenceClassification";
    }

    @Override
    public Tokenizer tokenizer(Path folder) {
        return Tokenizers.bert(folder, true);
    }

    @Override
    public Map<String, ModelConfig> shapes() {
        Map<String, ModelConfig> shapes = new LinkedHashMap<>();
        shapes.put("bert-base-uncased", shape(new Sizes(30522, 512, 768, 12, 12, 3072)));
        shapes.put("bert-base-cased", shape(new Sizes(28996, 512, 768, 12, 12, 3072)));
        shapes.put("bert-large-uncased", shape(new Sizes(30522, 512, 1024, 24, 16, 4096)));
        return shapes;
    }
}
