package org.lora4j.gpt2;

import java.nio.file.Path;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Activation;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;

/**
 * Reads GPT-2's {@code config.json}. A field that is absent has Transformers' default; one that is there must have its
 * type, as Transformers 5 demands it too: {@code "8"}, {@code 8.0} and {@code null} are no sizes.
 *
 * <p>The sizes may have the names that other models give them ({@code hidden_size}, {@code max_position_embeddings},
 * {@code num_attention_heads}, {@code num_hidden_layers}); these win over GPT-2's own, as in Transformers.
 */
final class Gpt2ConfigFile {

    private static final String WHOLE = "a positive whole number";
    private static final String FLAG = "true or false";

    private final Path file;
    private final JsonFields fields;

    private Gpt2ConfigFile(Path file) {
        this.file = file;
        fields = JsonFields.read(file);
    }

    /** @throws FormatException if it is no GPT-2's, or a field has another type or an impossible value */
    static Gpt2Config read(Path file) {
        try {
            return new Gpt2ConfigFile(file).config();
        } catch (FormatException e) {
            throw e;
        } catch (LoraException e) { // sizes that do not go together know nothing of the file they stand in
            throw new FormatException(file, e.getMessage(), e);
        }
    }

    private Gpt2Config config() {
        String type = fields.text("model_type").orElse("");
        if (!type.equals("gpt2")) {
            throw new FormatException(file, "model_type is " + (type.isEmpty() ? "missing" : Names.quoted(type))
                    + ", expected \"gpt2\": only GPT-2 can be loaded so far");
        }
        if (flag("add_cross_attention", false)) {
            throw new FormatException(file, "add_cross_attention is true: only decoders without an encoder can be loaded");
        }
        int nEmbd = size("hidden_size", "n_embd", 768);
        return Gpt2Config.of(
                size("vocab_size", "vocab_size", 50257), size("max_position_embeddings", "n_positions", 1024), nEmbd,
                size("num_hidden_layers", "n_layer", 12), size("num_attention_heads", "n_head", 12),
                fields.has("n_inner") ? size("n_inner", 0) : Gpt2Config.innerOf(nEmbd))
                .withActivation(activation()).withLayerNormEpsilon(epsilon())
                .withScaleAttention(flag("scale_attn_weights", true))
                .withScaleByInverseLayer(flag("scale_attn_by_inverse_layer_idx", false))
                .withTieWordEmbeddings(flag("tie_word_embeddings", true));
    }

    /** @param general the name that wins where both are there */
    private int size(String general, String name, int otherwise) {
        return size(fields.names(general) ? general : name, otherwise);
    }

    private int size(String field, int otherwise) {
        fields.requireNotNull(field, WHOLE);
        int size = fields.whole(field).orElse(otherwise);
        if (size < 1) {
            throw fields.error("field " + Names.quoted(field) + " is " + size + ", expected " + WHOLE);
        }
        return size;
    }

    private boolean flag(String field, boolean otherwise) {
        fields.requireNotNull(field, FLAG);
        return fields.flag(field).orElse(otherwise);
    }

    private double epsilon() {
        String field = "layer_norm_epsilon";
        fields.requireNotNull(field, "a number");
        double epsilon = fields.number(field).orElse(1e-5);
        if (epsilon < 0) {
            throw fields.error("field '" + field + "' is " + epsilon + ", expected 0 or more");
        }
        return epsilon;
    }

    private Activation activation() {
        String field = "activation_function";
        fields.requireNotNull(field, "a text");
        String name = fields.text(field).orElse("gelu_new");
        return Activation.named(name).orElseThrow(() -> fields.error(field + " is " + Names.quoted(name)
                + ", expected one of " + String.join(", ", Activation.allNames())));
    }
}
