package org.lora4j.encoder;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Activation;
import org.lora4j.io.FormatException;
import org.lora4j.io.JsonFields;

/**
 * Reads and writes an encoder's {@code config.json} in its family's {@link Spelling}. A field that is absent has Transformers'
 * default; one that is there must have its type. What would be computed otherwise than here, such as positions relative to one
 * another or a decoder, is refused by name.
 */
final class EncoderConfigFile {

    private static final String WHOLE = "a positive whole number";

    private final JsonFields fields;
    private final Spelling spelling;
    private final EncoderNames names;

    private EncoderConfigFile(Path file, EncoderNames names, Spelling spelling) {
        this.names = names;
        this.spelling = spelling;
        fields = JsonFields.read(file);
    }

    /** @throws FormatException if it is no such model's, or a field has another type or an impossible value */
    static EncoderConfig read(Path file, EncoderNames names, Spelling spelling) {
        try {
            return new EncoderConfigFile(file, names, spelling).config();
        } catch (FormatException e) {
            throw e;
        } catch (LoraException e) { // sizes that do not go together know nothing of the file they stand in
            throw new FormatException(file, e.getMessage(), e);
        }
    }

    private EncoderConfig config() {
        String type = fields.text("model_type").orElse("");
        if (!type.equals(names.modelType())) {
            throw fields.error("model_type is " + (type.isEmpty() ? "missing" : Names.quoted(type)) + ", expected "
                    + Names.quoted(names.modelType()));
        }
        for (String field : List.of("is_decoder", "add_cross_attention")) {
            if (flag(field)) {
                throw fields.error(field + " is true: only encoders can be loaded, in which each position sees all");
            }
        }
        String positions = fields.text("position_embedding_type").orElse("absolute");
        if (!positions.equals("absolute")) {
            throw fields.error("position_embedding_type is " + Names.quoted(positions)
                    + ", expected \"absolute\": positions relative to one another cannot be computed");
        }
        Spelling.Defaults otherwise = spelling.defaults();
        EncoderConfig.Sizes sizes = new EncoderConfig.Sizes(
                size("vocab_size", otherwise.vocabulary()), size("max_position_embeddings", 512),
                size("hidden_size", spelling.sizes().width(), 768),
                size("num_hidden_layers", spelling.sizes().blocks(), otherwise.blocks()),
                size("num_attention_heads", spelling.sizes().heads(), 12), size(spelling.sizes().inner(), 3072));
        int types = otherwise.types() == 0 ? 0 : size("type_vocab_size", otherwise.types());
        OptionalInt padding = fields.names("pad_token_id") ? fields.whole("pad_token_id") : OptionalInt.of(otherwise.padding());
        return EncoderConfig.of(names, otherwise.positions(), sizes, types, padding)
                .withActivation(activation()).withEpsilon(epsilon()).withDropout(dropout())
                .withInitializerRange(notNegative("initializer_range", 0.02));
    }

    /** @param general the name that wins where both are there, as Transformers' attribute_map has it */
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

    private boolean flag(String field) {
        fields.requireNotNull(field, "true or false");
        return fields.flag(field).orElse(false);
    }

    private double epsilon() {
        return spelling.defaults().anyEpsilon() ? notNegative("layer_norm_eps", spelling.defaults().epsilon())
                : spelling.defaults().epsilon();
    }

    private double notNegative(String field, double otherwise) {
        fields.requireNotNull(field, "a number");
        double value = fields.number(field).orElse(otherwise);
        if (value < 0) {
            throw fields.error("field " + Names.quoted(field) + " is " + value + ", expected 0 or more");
        }
        return value;
    }

    private EncoderConfig.Rates dropout() {
        double body = probability(spelling.dropout(), 0.1);
        double attention = probability(spelling.attention(), 0.1);
        return new EncoderConfig.Rates(body, attention,
                probability(spelling.head(), spelling.headDropout() == null ? body : spelling.headDropout()));
    }

    private double probability(String field, double otherwise) {
        double p = fields.number(field).orElse(otherwise);
        if (p < 0 || p >= 1) {
            throw fields.error("field " + Names.quoted(field) + " is " + p + ", expected 0 or more and below 1");
        }
        return p;
    }

    private Activation activation() {
        String field = spelling.activation();
        fields.requireNotNull(field, "a text");
        String name = fields.text(field).orElse("gelu");
        return Activation.named(name).orElseThrow(() -> fields.error(field + " is " + Names.quoted(name)
                + ", expected one of " + String.join(", ", Activation.allNames())));
    }

    /** The fields of such a configuration, in its family's spelling. */
    static Map<String, Object> fields(EncoderConfig config, Spelling spelling) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("model_type", config.names().modelType());
        json.put("vocab_size", config.sizes().vocabulary());
        json.put("max_position_embeddings", config.tablePositions());
        json.put(spelling.sizes().width(), config.sizes().width());
        json.put(spelling.sizes().blocks(), config.sizes().blocks());
        json.put(spelling.sizes().heads(), config.sizes().heads());
        json.put(spelling.sizes().inner(), config.sizes().innerWidth());
        json.put(spelling.activation(), config.activation().names().getFirst());
        if (spelling.defaults().anyEpsilon()) {
            json.put("layer_norm_eps", config.epsilon());
        }
        if (config.types() > 0) {
            json.put("type_vocab_size", config.types());
        }
        json.put("pad_token_id", config.padding().isPresent() ? config.padding().getAsInt() : null);
        json.put("initializer_range", config.initializerRange());
        json.put(spelling.dropout(), config.dropout().body());
        json.put(spelling.attention(), config.dropout().attention());
        json.put(spelling.head(), config.dropout().head());
        return json;
    }
}
