package org.lora4j.deberta;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.encoder.EncoderNames;
import org.lora4j.nn.Role;

/**
 * What DeBERTa's tensors are called, from its second version on:
 *
 * <pre>
 *   deberta.embeddings.…                                 words; where it has them positions, token types, embed_proj; LayerNorm
 *   deberta.encoder.layer.I.attention.self.query_proj    and key_proj, value_proj; where distances have maps of their own
 *                                                        pos_key_proj, pos_query_proj
 *   deberta.encoder.layer.I.attention.output.dense       and LayerNorm
 *   deberta.encoder.layer.I.intermediate.dense
 *   deberta.encoder.layer.I.output.dense                 and LayerNorm
 *   deberta.encoder.rel_embeddings                       a row for each distance, and LayerNorm of them
 *   deberta.encoder.conv.conv                            C × C/groups × k, and LayerNorm: behind the first block
 *   pooler.dense                                         beside the body, before the head
 *   classifier                                           labels × C
 *   lm_predictions.…, mask_predictions.…, cls.…          left out: the heads it was pretrained with
 * </pre>
 */
public final class DebertaNames extends EncoderNames {

    static final String PREFIX = "deberta.";
    static final String WORDS = PREFIX + "embeddings.word_embeddings";
    static final String POSITIONS = PREFIX + "embeddings.position_embeddings";
    static final String TYPES = PREFIX + "embeddings.token_type_embeddings";
    static final String EMBEDDING_MAP = PREFIX + "embeddings.embed_proj";
    static final String EMBEDDING_NORM = PREFIX + "embeddings.LayerNorm";
    static final String BLOCK = PREFIX + "encoder.layer.";
    static final String QUERY = "attention.self.query_proj";
    static final String KEY = "attention.self.key_proj";
    static final String VALUE = "attention.self.value_proj";
    static final String POSITION_KEY = "attention.self.pos_key_proj";
    static final String POSITION_QUERY = "attention.self.pos_query_proj";
    static final String OUTPUT = "attention.output.dense";
    static final String ATTENTION_NORM = "attention.output.LayerNorm";
    static final String UP = "intermediate.dense";
    static final String DOWN = "output.dense";
    static final String NORM = "output.LayerNorm";
    static final String RELATIVE = PREFIX + "encoder.rel_embeddings";
    static final String RELATIVE_NORM = PREFIX + "encoder.LayerNorm";
    static final String CONVOLUTION = PREFIX + "encoder.conv.conv";
    static final String CONVOLUTION_NORM = PREFIX + "encoder.conv.LayerNorm";
    static final String POOLER = "pooler.dense";
    static final String CLASSIFIER = "classifier";

    public DebertaNames() {
        super(PREFIX, new BlockWords("encoder.layer.", new BlockWords.Attention(QUERY, KEY, VALUE), OUTPUT, ATTENTION_NORM, UP,
                DOWN, NORM), new HeadWords(POOLER, Role.POOLER, Activation.GELU_ERF, true, CLASSIFIER),
                List.of("lm_predictions.", "mask_predictions.", "cls.", "qa_outputs."));
    }

    @Override
    public String modelType() {
        return "deberta-v2";
    }

    @Override
    public String title() {
        return "DeBERTa";
    }

    @Override
    public String complete(String name) {
        return isOfPooler(name) ? name : super.complete(name);
    }

    /** The pooler stands beside the body, though it is no part of the head that a new task replaces. */
    static boolean isOfPooler(String name) {
        return name.equals(POOLER) || name.startsWith(POOLER + ".");
    }

    @Override
    public boolean isMatrix(String weight) {
        return super.isMatrix(weight) || weight.equals(EMBEDDING_MAP + ".weight")
                || weight.endsWith(POSITION_KEY + ".weight") || weight.endsWith(POSITION_QUERY + ".weight");
    }

    @Override
    public boolean knows(String module) {
        return super.knows(module) || module.equals(EMBEDDING_MAP)
                || module.matches(BLOCK.replace(".", "\\.") + "\\d{1,6}\\.attention\\.self\\.pos_(key|query)_proj");
    }
}
