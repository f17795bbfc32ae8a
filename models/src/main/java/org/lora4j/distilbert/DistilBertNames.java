package org.lora4j.distilbert;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.encoder.EncoderNames;
import org.lora4j.nn.Role;

/**
 * What DistilBERT's tensors are called:
 *
 * <pre>
 *   distilbert.embeddings.…                            words, positions, LayerNorm
 *   distilbert.transformer.layer.I.attention.q_lin     and k_lin, v_lin, out_lin
 *   distilbert.transformer.layer.I.sa_layer_norm
 *   distilbert.transformer.layer.I.ffn.lin1            and lin2
 *   distilbert.transformer.layer.I.output_layer_norm
 *   pre_classifier                                     the positive part behind it
 *   classifier                                         labels × C
 *   vocab_transform, vocab_layer_norm, vocab_projector left out: the head it was pretrained with
 * </pre>
 */
public final class DistilBertNames extends EncoderNames {

    private static final BlockWords BLOCK = new BlockWords("transformer.layer.",
            new BlockWords.Attention("attention.q_lin", "attention.k_lin", "attention.v_lin"),
            "attention.out_lin", "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm");

    public DistilBertNames() {
        super("distilbert.", BLOCK, new HeadWords("pre_classifier", Role.CLASSIFIER, Activation.RELU, false, "classifier"),
                List.of("vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "qa_outputs."));
    }

    @Override
    public String modelType() {
        return "distilbert";
    }

    @Override
    public String title() {
        return "DistilBERT";
    }
}
