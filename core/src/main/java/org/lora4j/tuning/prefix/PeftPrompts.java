package org.lora4j.tuning.prefix;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.AdapterMethod;
import org.lora4j.tuning.lora.WholeModules;

/**
 * Prompts as PEFT 0.21 writes and reads them: in {@code adapter_model.safetensors} one tensor, {@value #ROWS}, and of a
 * classifier the head.
 *
 * <pre>
 *   PROMPT_TUNING, P_TUNING   prompt_embeddings  (n, d)
 *   PREFIX_TUNING             prompt_embeddings  (n, 2·L·W)      of each block its keys and then its values, W features each
 *   a head                    base_model.classifier.weight       without the {@code model.} that other types have
 * </pre>
 *
 * <p>What a network has made of it in training is not there: PEFT does not save it.
 */
public final class PeftPrompts {

    /** The key of what stands in the special tokens' place. */
    public static final String ROWS = "prompt_embeddings";
    /** What stands before a name of the base's. */
    public static final String PREFIX = "base_model.";

    private PeftPrompts() {
    }

    /** The fields that all of these types have. */
    static Map<String, Object> fields(SpecialTokenMethod method, Model model) {
        Map<String, Object> fields = new TreeMap<>();
        List<String> whole = new ArrayList<>();
        if (model instanceof Classifier<?> classifier) {
            whole.addAll(WholeModules.HEADS);
            whole.addAll(classifier.newModules());
        }
        fields.put("auto_mapping", null);
        fields.put("modules_to_save", whole.isEmpty() ? null : whole);
        fields.put("num_attention_heads", model.sizes().heads());
        fields.put("num_layers", model.sizes().blocks());
        fields.put("num_transformer_submodules", 1);
        fields.put("num_virtual_tokens", method.prefix());
        fields.put("revision", null);
        fields.put("token_dim", model.sizes().width());
        return fields;
    }

    static String key(Parameter parameter) {
        return parameter.name().equals(SpecialTokenTuning.TABLE) ? ROWS : PREFIX + parameter.name();
    }

    /** The method of a configuration of type PROMPT_TUNING. */
    public static AdapterMethod promptTuning(JsonFields fields) {
        boolean words = fields.text("prompt_tuning_init").filter("SAMPLE_VOCAB"::equals).isPresent();
        return new PromptTuning(length(fields), words ? TokenInit.VOCABULARY : TokenInit.RANDOM);
    }

    /** The method of a configuration of type P_TUNING, whatever network there was. */
    public static AdapterMethod pTuning(JsonFields fields) {
        return new PTuning(length(fields), Math.max(0, fields.whole("encoder_hidden_size").orElse(0)));
    }

    /** The method of a configuration of type PREFIX_TUNING. */
    public static AdapterMethod prefixTuning(JsonFields fields) {
        boolean project = fields.flag("prefix_projection").orElse(false);
        return new PrefixTuning(length(fields), project, project ? Math.max(0, fields.whole("encoder_hidden_size").orElse(0)) : 0, TokenInit.VOCABULARY);
    }

    private static int length(JsonFields fields) {
        int submodules = fields.whole("num_transformer_submodules").orElse(1);
        if (submodules != 1) {
            throw fields.error("field 'num_transformer_submodules' is " + submodules + ", which is for a model with an encoder and a "
                    + "decoder; expected 1");
        }
        int length = fields.whole("num_virtual_tokens").orElseThrow(() -> fields.error("has no field 'num_virtual_tokens'"));
        if (length < 1 || length > SpecialTokenMethod.MOST) {
            throw error(fields, length);
        }
        return length;
    }

    private static FormatException error(JsonFields fields, int length) {
        return fields.error("field 'num_virtual_tokens' is " + length + ", expected a positive number"
                + (length > 0 ? " of which a model has positions" : ""));
    }
}
