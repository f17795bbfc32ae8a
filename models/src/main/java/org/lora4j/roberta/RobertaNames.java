package org.lora4j.roberta;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.encoder.EncoderNames;
import org.lora4j.nn.Role;

/**
 * What RoBERTa's tensors are called:
 *
 * <pre>
 *   roberta.embeddings.…                              words, positions, token types, LayerNorm
 *   roberta.encoder.layer.I.attention.self.query      and key, value
 *   roberta.encoder.layer.I.attention.output.dense    and LayerNorm
 *   roberta.encoder.layer.I.intermediate.dense
 *   roberta.encoder.layer.I.output.dense              and LayerNorm
 *   classifier.dense                                  tanh behind it
 *   classifier.out_proj                               labels × C
 *   roberta.pooler.…  lm_head.…                       left out: of other heads
 * </pre>
 */
public final class RobertaNames extends EncoderNames {

    public RobertaNames() {
        super("roberta.", BlockWords.USUAL, new HeadWords("classifier.dense", Role.CLASSIFIER, Activation.TANH, true, "classifier.out_proj"),
                List.of("lm_head.", "qa_outputs.", "roberta.pooler."));
    }

    @Override
    public String modelType() {
        return "roberta";
    }

    @Override
    public String title() {
        return "RoBERTa";
    }
}
