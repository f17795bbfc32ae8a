package org.lora4j.llama;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Function;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.BodyClassifier;
import org.lora4j.family.ClassifierFields;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Labels;
import org.lora4j.family.LastTokens;
import org.lora4j.family.ModelTensors;
import org.lora4j.family.NewParameters;
import org.lora4j.family.ParameterReader;
import org.lora4j.io.JsonFields;
import org.lora4j.nn.ClassificationHead;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.tensor.Shape;

/**
 * Models of this family that classify sequences, such as Transformers' {@code Qwen2ForSequenceClassification}:
 *
 * <pre>
 *   z = h[last token]·scoreᵀ          score: (labels, C), without a bias and without dropout
 * </pre>
 */
final class LlamaClassifiers {

    private static final String ATTENTION = "attention_dropout";
    private static final String WEIGHT = LlamaNames.SCORE + ".weight";

    private LlamaClassifiers() {
    }

    /** See {@link org.lora4j.family.ModelFamily#classifier}. */
    static BodyClassifier load(
            Path folder, Variant variant, Backend backend, ClassifierHead wanted, BaseDropout dropout, WeightType type,
            Consumer<String> remarks) {
        Path file = folder.resolve("config.json");
        LlamaConfig config = LlamaConfigFile.read(file, variant).withTied(true); // no language head: nothing to tie
        ClassifierFields fields = ClassifierFields.read(file);
        try (ModelTensors source = ModelTensors.openClassifier(folder, variant.names, !wanted.anew() && !fields.saysOtherHead())) {
            boolean present = source.hasClassifier();
            Labels labels = wanted.labelsFor(folder, fields::labels, present);
            wanted.remark(folder, source.leftOut(), present ? null : labels, remarks);
            Function<String, Shape> shapes = shapes(config, labels);
            ParameterReader reader = new ParameterReader(source, variant.names, shapes, backend, type);
            NewParameters made = new NewParameters(backend, wanted.seed(), fields.initializerRange());
            Map<String, Object> kept = kept(JsonFields.read(file));
            double attention = dropout.attention() == null ? (double) kept.get(ATTENTION) : dropout.attention();
            BodyClassifier model = make(new Sizes(config, labels, padding(fields, variant), kept), backend,
                    name -> present || !name.equals(WEIGHT) ? reader.parameter(name)
                            : made.normal(name, shapes.apply(name), WeightType.FLOAT32), attention);
            reader.requireAllRead("a " + variant.title + " that classifies");
            return model.withHead(present);
        }
    }

    private static OptionalInt padding(ClassifierFields fields, Variant variant) {
        return variant.isGemma() ? fields.paddingId(0) : variant == Variant.PHI3 ? fields.paddingId(32000) : fields.paddingId();
    }

    private record Sizes(LlamaConfig config, Labels labels, OptionalInt padding, Map<String, Object> fields) {

        static Sizes of(LlamaConfig config, Labels labels) {
            return new Sizes(config.withTied(true), labels, OptionalInt.empty(), Map.of());
        }
    }

    /** The fields that training with Transformers depends on, kept for whoever reads the model that is written. */
    private static Map<String, Object> kept(JsonFields json) {
        Map<String, Object> kept = new LinkedHashMap<>();
        double p = json.number(ATTENTION).orElse(0);
        if (p < 0 || p >= 1) {
            throw json.error(ATTENTION + " is " + p + ", expected 0 or more and below 1");
        }
        kept.put(ATTENTION, p);
        for (String field : List.of("bos_token_id", "eos_token_id")) {
            json.wholes(field).ifPresent(ids -> kept.put(field, ids.size() == 1 ? (Object) ids.getFirst() : ids));
        }
        return kept;
    }

    /** One that has learnt nothing. */
    static BodyClassifier random(LlamaConfig config, Labels labels, Backend backend, long seed, WeightType type) {
        Function<String, Parameter> body = LlamaFamily.made(config, backend, seed, type);
        NewParameters head = new NewParameters(backend, seed, LlamaFamily.STANDARD_DEVIATION);
        return make(Sizes.of(config, labels), backend, name -> name.equals(WEIGHT)
                ? head.normal(name, shapes(config, labels).apply(name), WeightType.FLOAT32) : body.apply(name), 0);
    }

    /** One whose parameters are allocated and nothing more. */
    static BodyClassifier empty(LlamaConfig config, Labels labels, Backend backend) {
        return make(Sizes.of(config, labels), backend,
                name -> new Parameter(name, backend, backend.allocate(shapes(config, labels).apply(name))), 0);
    }

    private static Function<String, Shape> shapes(LlamaConfig config, Labels labels) {
        return name -> name.equals(WEIGHT) ? Shape.of(labels.count(), config.counts().width()) : config.shapeOf(name);
    }

    private static BodyClassifier make(
            Sizes sizes, Backend backend, Function<String, Parameter> parameter, double dropout) {
        LastTokens body = new LastTokens(new LlamaBody(sizes.config, backend, parameter, dropout), sizes.padding);
        ClassificationHead head = new ClassificationHead(
                null, new Slot<>(LlamaNames.SCORE, Role.CLASSIFIER, new Linear(parameter.apply(WEIGHT), null)));
        return new BodyClassifier(sizes.config, backend, body, head, sizes.labels, sizes.padding, sizes.fields);
    }
}
