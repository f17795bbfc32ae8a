package org.lora4j.deberta;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Activation;
import org.lora4j.deberta.DebertaConfig.Convolved;
import org.lora4j.deberta.DebertaConfig.Embeddings;
import org.lora4j.deberta.DebertaConfig.Functions;
import org.lora4j.deberta.DebertaConfig.Rates;
import org.lora4j.deberta.DebertaConfig.Relative;
import org.lora4j.deberta.DebertaConfig.Sizes;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;

/**
 * Reads and writes DeBERTa's {@code config.json}. A field that is absent has the default of Transformers' class, which is not
 * always that of the models on the hub; one that is there must have its type.
 */
final class DebertaConfigFile {

    private static final String WHOLE = "a positive whole number";

    private final JsonFields fields;

    private DebertaConfigFile(Path file) {
        fields = JsonFields.read(file);
    }

    /** @throws FormatException if it is no such model's, or a field has another type or an impossible value */
    static DebertaConfig read(Path file) {
        try {
            return new DebertaConfigFile(file).config();
        } catch (FormatException e) {
            throw e;
        } catch (LoraException e) { // sizes that do not go together know nothing of the file they stand in
            throw new FormatException(file, e.getMessage(), e);
        }
    }

    private DebertaConfig config() {
        String type = fields.text("model_type").orElse("");
        if (!type.equals("deberta-v2")) {
            throw fields.error("model_type is " + (type.isEmpty() ? "missing" : Names.quoted(type)) + ", expected \"deberta-v2\"");
        }
        Sizes sizes = new Sizes(size("vocab_size", 128100), size("max_position_embeddings", 512), size("hidden_size", 1536),
                size("num_hidden_layers", 24), size("num_attention_heads", 24), size("intermediate_size", 6144));
        same("attention_head_size", sizes.width() / sizes.heads(), "hidden_size divided by num_attention_heads");
        same("pooler_hidden_size", sizes.width(), "hidden_size");
        return DebertaConfig.of(sizes).withEmbeddings(new Embeddings(size("embedding_size", sizes.width()),
                        flag("position_biased_input", true), whole("type_vocab_size", 0)))
                .withRelative(relative()).withConvolution(convolution())
                .withFunctions(new Functions(activation("hidden_act", "gelu"), activation("pooler_hidden_act", "gelu"),
                        notNegative("layer_norm_eps", 1e-7)))
                .withPadding(fields.names("pad_token_id") ? fields.whole("pad_token_id") : OptionalInt.of(0))
                .withInitializerRange(notNegative("initializer_range", 0.02)).withDropout(dropout());
    }

    /** A size that Transformers knows by its own name and can only be what another one says. */
    private void same(String field, int expected, String of) {
        int found = fields.whole(field).orElse(expected);
        if (found != expected) {
            throw fields.error(field + " is " + found + ", expected " + expected + ", which is " + of);
        }
    }

    private Relative relative() {
        List<String> terms = terms();
        boolean layerNorm = false;
        for (String word : fields.text("norm_rel_ebd").orElse("none").toLowerCase(Locale.ROOT).split("\\|", -1)) {
            layerNorm |= word.strip().equals("layer_norm");
            if (!List.of("layer_norm", "none").contains(word.strip())) {
                throw fields.error("norm_rel_ebd is " + Names.quoted(fields.text("norm_rel_ebd").orElseThrow())
                        + ", expected \"layer_norm\" or \"none\"");
            }
        }
        return new Relative(flag("relative_attention", false), terms.contains("c2p"), terms.contains("p2c"),
                flag("share_att_key", false), Math.max(0, whole("position_buckets", -1)),
                Math.max(0, whole("max_relative_positions", -1)), layerNorm);
    }

    /** {@code pos_att_type}, a list or a text with strokes. */
    private List<String> terms() {
        String field = "pos_att_type";
        List<String> terms = new ArrayList<>();
        if (fields.isText(field)) {
            for (String word : fields.text(field).orElseThrow().toLowerCase(Locale.ROOT).split("\\|", -1)) {
                terms.add(word.strip());
            }
            terms.remove("");
        } else {
            terms.addAll(fields.texts(field).orElse(List.of()));
        }
        for (String term : terms) {
            if (!List.of("c2p", "p2c").contains(term)) {
                throw fields.error(field + " has " + Names.quoted(term) + ", expected c2p, p2c or both: scores of contents by "
                        + "distances, and of distances by contents");
            }
        }
        return terms;
    }

    private Convolved convolution() {
        int kernel = whole("conv_kernel_size", 0);
        return kernel <= 0 ? null : new Convolved(kernel, size("conv_groups", 1), activation("conv_act", "tanh"));
    }

    private Rates dropout() {
        double body = probability("hidden_dropout_prob", 0.1);
        return new Rates(body, probability("attention_probs_dropout_prob", 0.1), probability("pooler_dropout", 0),
                probability("cls_dropout", body));
    }

    private int size(String field, int otherwise) {
        int size = whole(field, otherwise);
        if (size < 1) {
            throw fields.error("field " + Names.quoted(field) + " is " + size + ", expected " + WHOLE);
        }
        return size;
    }

    private int whole(String field, int otherwise) {
        fields.requireNotNull(field, "a whole number");
        return fields.whole(field).orElse(otherwise);
    }

    private boolean flag(String field, boolean otherwise) {
        fields.requireNotNull(field, "true or false");
        return fields.flag(field).orElse(otherwise);
    }

    private double notNegative(String field, double otherwise) {
        fields.requireNotNull(field, "a number");
        double value = fields.number(field).orElse(otherwise);
        if (value < 0) {
            throw fields.error("field " + Names.quoted(field) + " is " + value + ", expected 0 or more");
        }
        return value;
    }

    private double probability(String field, double otherwise) {
        double p = fields.number(field).orElse(otherwise);
        if (p < 0 || p >= 1) {
            throw fields.error("field " + Names.quoted(field) + " is " + p + ", expected 0 or more and below 1");
        }
        return p;
    }

    private Activation activation(String field, String otherwise) {
        fields.requireNotNull(field, "a text");
        String name = fields.text(field).orElse(otherwise);
        return Activation.named(name).orElseThrow(() -> fields.error(field + " is " + Names.quoted(name)
                + ", expected one of " + String.join(", ", Activation.allNames())));
    }

    /** The fields of such a configuration. */
    static Map<String, Object> fields(DebertaConfig config) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("model_type", "deberta-v2");
        json.put("vocab_size", config.sizes().vocabulary());
        json.put("max_position_embeddings", config.sizes().positions());
        json.put("hidden_size", config.sizes().width());
        json.put("num_hidden_layers", config.sizes().blocks());
        json.put("num_attention_heads", config.sizes().heads());
        json.put("intermediate_size", config.sizes().innerWidth());
        json.put("embedding_size", config.embeddings().width());
        json.put("position_biased_input", config.embeddings().positions());
        json.put("type_vocab_size", config.embeddings().types());
        Relative relative = config.relative();
        json.put("relative_attention", relative.used());
        List<String> terms = new ArrayList<>();
        if (relative.positionByContent()) {
            terms.add("p2c");
        }
        if (relative.contentByPosition()) {
            terms.add("c2p");
        }
        json.put("pos_att_type", terms);
        json.put("share_att_key", relative.sharedMaps());
        json.put("position_buckets", relative.buckets() > 0 ? relative.buckets() : -1);
        json.put("max_relative_positions", relative.farthest() > 0 ? relative.farthest() : -1);
        json.put("norm_rel_ebd", relative.normalised() ? "layer_norm" : "none");
        Convolved convolution = config.convolution();
        if (convolution != null) {
            json.put("conv_kernel_size", convolution.kernel());
            json.put("conv_groups", convolution.groups());
            json.put("conv_act", convolution.activation().names().getFirst());
        }
        json.put("hidden_act", config.functions().activation().names().getFirst());
        json.put("pooler_hidden_act", config.functions().pooler().names().getFirst());
        json.put("pooler_hidden_size", config.sizes().width());
        json.put("layer_norm_eps", config.functions().epsilon());
        json.put("pad_token_id", config.padding().isPresent() ? config.padding().getAsInt() : null);
        json.put("initializer_range", config.initializerRange());
        json.put("hidden_dropout_prob", config.dropout().body());
        json.put("attention_probs_dropout_prob", config.dropout().attention());
        json.put("pooler_dropout", config.dropout().pooler());
        json.put("cls_dropout", config.dropout().head());
        return json;
    }
}
