package org.lora4j.gpt2;

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
 * GPT-2s that classify sequences, Transformers' {@code GPT2ForSequenceClassification}:
 *
 * <pre>
 *   z = h[last token]·scoreᵀ          score: (labels, C), without a bias and without dropout
 * </pre>
 */
final class Gpt2Classifiers {

    static final String ARCHITECTURE = "GPT2ForSequenceClassification";
    private static final String EMBEDDINGS = "embd_pdrop";
    private static final String BRANCHES = "resid_pdrop";
    private static final String ATTENTION = "attn_pdrop";
    private static final String WEIGHT = Gpt2Names.SCORE + ".weight";

    private Gpt2Classifiers() {
    }

    /** See {@link org.lora4j.family.ModelFamily#classifier}. */
    static BodyClassifier load(
            Path folder, Backend backend, ClassifierHead wanted, BaseDropout dropout, WeightType type, Consumer<String> remarks) {
        Path file = folder.resolve("config.json");
        Gpt2Config config = Gpt2ConfigFile.read(file).withTieWordEmbeddings(true); // no language head: nothing to tie
        ClassifierFields fields = ClassifierFields.read(file);
        JsonFields json = JsonFields.read(file);
        try (ModelTensors source = ModelTensors.openClassifier(folder, Gpt2Family.NAMES, !wanted.anew() && !fields.saysOtherHead())) {
            boolean present = source.hasClassifier();
            Labels labels = wanted.labelsFor(folder, fields::labels, present);
            wanted.remark(folder, source.leftOut(), present ? null : labels, remarks);
            Function<String, Shape> shapes = shapes(config, labels);
            ParameterReader reader = new ParameterReader(source, Gpt2Family.NAMES, shapes, backend, type);
            NewParameters made = new NewParameters(backend, wanted.seed(), fields.initializerRange());
            Map<String, Object> kept = kept(JsonFields.read(file));
            BodyClassifier model = make(new Sizes(config, labels, fields.paddingId(), kept), backend,
                    name -> present || !name.equals(WEIGHT) ? reader.parameter(name)
                            : made.normal(name, shapes.apply(name), WeightType.FLOAT32), rates(kept, dropout));
            reader.requireAllRead("a GPT-2 that classifies");
            return model.withHead(present);
        }
    }

    private record Sizes(Gpt2Config config, Labels labels, OptionalInt padding, Map<String, Object> fields) {

        static Sizes of(Gpt2Config config, Labels labels) {
            return new Sizes(config.withTieWordEmbeddings(true), labels, OptionalInt.empty(), Map.of());
        }
    }

    /** The fields that training with Transformers depends on, kept for whoever reads the model that is written. */
    private static Map<String, Object> kept(JsonFields json) {
        Map<String, Object> kept = new LinkedHashMap<>();
        for (String field : List.of(EMBEDDINGS, BRANCHES, ATTENTION)) {
            double p = json.number(field).orElse(0.1);
            if (p < 0 || p >= 1) {
                throw json.error(field + " is " + p + ", expected 0 or more and below 1");
            }
            kept.put(field, p);
        }
        for (String field : List.of("bos_token_id", "eos_token_id")) {
            json.whole(field).ifPresent(id -> kept.put(field, id));
        }
        return kept;
    }

    private static Gpt2Body.Rates rates(Map<String, Object> configured, BaseDropout wanted) {
        return new Gpt2Body.Rates(
                wanted.body() == null ? (double) configured.get(EMBEDDINGS) : wanted.body(),
                wanted.body() == null ? (double) configured.get(BRANCHES) : wanted.body(),
                wanted.attention() == null ? (double) configured.get(ATTENTION) : wanted.attention());
    }

    /** One that has learnt nothing. */
    static BodyClassifier random(
            Gpt2Config config, Labels labels, Backend backend, long seed, WeightType type, BaseDropout dropout) {
        Function<String, Parameter> body = RandomGpt2.parameters(config, backend, seed, type);
        NewParameters head = new NewParameters(backend, seed, RandomGpt2.STANDARD_DEVIATION);
        return make(Sizes.of(config, labels), backend, name -> name.equals(WEIGHT)
                ? head.normal(name, shapes(config, labels).apply(name), WeightType.FLOAT32) : body.apply(name),
                rates(Map.of(EMBEDDINGS, 0.0, BRANCHES, 0.0, ATTENTION, 0.0), dropout));
    }

    /** One whose parameters are allocated and nothing more. */
    static BodyClassifier empty(Gpt2Config config, Labels labels, Backend backend) {
        return make(Sizes.of(config, labels), backend,
                name -> new Parameter(name, backend, backend.allocate(shapes(config, labels).apply(name))), Gpt2Body.Rates.NONE);
    }

    private static Function<String, Shape> shapes(Gpt2Config config, Labels labels) {
        return name -> name.equals(WEIGHT) ? Shape.of(labels.count(), config.nEmbd()) : config.shapeOf(name);
    }

    private static BodyClassifier make(
            Sizes sizes, Backend backend, Function<String, Parameter> parameter, Gpt2Body.Rates dropout) {
        LastTokens body = new LastTokens(new Gpt2Body(sizes.config, backend, parameter, dropout), sizes.padding);
        ClassificationHead head = new ClassificationHead(
                null, new Slot<>(Gpt2Names.SCORE, Role.CLASSIFIER, new Linear(parameter.apply(WEIGHT), null)));
        return new BodyClassifier(sizes.config, backend, body, head, sizes.labels, sizes.padding, sizes.fields);
    }
}
