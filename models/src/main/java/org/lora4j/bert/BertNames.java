package org.lora4j.bert;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.encoder.EncoderNames;
import org.lora4j.nn.Role;

/**
 * What BERT's tensors are called:
 *
 * <pre>
 *   bert.embeddings.…                              words, positions, token types, LayerNorm
 *   bert.encoder.layer.I.attention.self.query      and key, value
 *   bert.encoder.layer.I.attention.output.dense    and LayerNorm
 *   bert.encoder.layer.I.intermediate.dense
 *   bert.encoder.layer.I.output.dense              and LayerNorm
 *   bert.pooler.dense                              tanh behind it
 *   classifier                                     labels × C
 *   cls.…                                          left out: the heads it was pretrained with
 * </pre>
 */
public final class BertNames extends EncoderNames {

    public BertNames() {
        super("bert.", BlockWords.USUAL, new HeadWords("bert.pooler.dense", Role.POOLER, Activation.TANH, false, "classifier"),
                List.of("cls.", "qa_outputs."));
    }

    @Override
    public String modelType() {
        return "bert";
    }

    @Override
    public String title() {
        return "BERT";
    }
}
