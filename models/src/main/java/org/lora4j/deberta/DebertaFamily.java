package org.lora4j.deberta;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.deberta.DebertaConfig.Convolved;
import org.lora4j.deberta.DebertaConfig.Embeddings;
import org.lora4j.deberta.DebertaConfig.Rates;
import org.lora4j.deberta.DebertaConfig.Relative;
import org.lora4j.deberta.DebertaConfig.Sizes;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.BodyClassifier;
import org.lora4j.family.ClassifierFields;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Labels;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.ModelFamily;
import org.lora4j.family.ModelTensors;
import org.lora4j.family.NewParameters;
import org.lora4j.family.ParameterReader;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.DType;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.ClassificationHead;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tokenizer.Tokenizers;

/**
 * DeBERTa, versions 2 and 3 (He et al. 2021), as Transformers' {@code DebertaV2ForSequenceClassification}. The head is the
 * first token's row through a dense map with an activation, dropout before and behind it.
 */
public final class DebertaFamily implements ModelFamily {

    static final DebertaNames NAMES = new DebertaNames();

    @Override
    public ModelNames names() {
        return NAMES;
    }

    @Override
    public ModelConfig config(Path file) {
        return DebertaConfigFile.read(file);
    }

    @Override
    public String architecture() {
        return "DebertaV2ForSequenceClassification";
    }

    // ------------------------------------------------------------------------------------------------ classifiers

    @Override
    public SequenceClassifier classifier(
            Path folder, Backend backend, ClassifierHead wanted, BaseDropout dropout, WeightType type, Consumer<String> remarks) {
        Path file = folder.resolve("config.json");
        DebertaConfig config = DebertaConfigFile.read(file);
        ClassifierFields fields = ClassifierFields.read(file);
        try (ModelTensors source = ModelTensors.openClassifier(folder, NAMES, !wanted.anew() && !fields.saysOtherHead())) {
            boolean present = source.hasClassifier();
            Labels labels = wanted.labelsFor(folder, fields::labels, present);
            wanted.remark(folder, source.leftOut(), present ? null : labels, remarks);
            boolean withoutPooler = !present && source.names().stream().noneMatch(DebertaNames::isOfPooler);
            if (withoutPooler) {
                remarks.accept(Names.oneLine(folder + ": has no " + DebertaNames.POOLER + ", the map before the head; it is new too"));
            }
            ParameterReader reader = new ParameterReader(
                    source, NAMES, name -> config.shapeOf(name, labels.count()), backend, type);
            if (!config.embeddings().positions()) {
                reader.leave(DebertaNames.POSITIONS + ".weight"); // pretrained with them, in the mask head only
            }
            Function<String, Parameter> made =
                    made(config, labels, new NewParameters(backend, wanted.seed(), config.initializerRange()), type);
            BodyClassifier model = make(config, labels, backend,
                    name -> !present && NAMES.isOfClassifier(name) || withoutPooler && DebertaNames.isOfPooler(name)
                            ? made.apply(name) : reader.parameter(name),
                    rates(config, dropout));
            reader.requireAllRead("a DeBERTa that classifies");
            return model.withHead(present, withoutPooler ? List.of(DebertaNames.POOLER) : List.of());
        }
    }

    private static Rates rates(DebertaConfig config, BaseDropout wanted) {
        Rates configured = config.dropout();
        return new Rates(
                wanted.body() == null ? configured.body() : wanted.body(),
                wanted.attention() == null ? configured.attention() : wanted.attention(),
                wanted.head() != null && wanted.head() == 0 ? 0 : configured.pooler(),
                wanted.head() == null ? configured.head() : wanted.head());
    }

    @Override
    public SequenceClassifier randomClassifier(
            ModelConfig config, Labels labels, Backend backend, long seed, WeightType type, BaseDropout dropout) {
        DebertaConfig sizes = (DebertaConfig) config;
        return make(sizes, labels, backend,
                made(sizes, labels, new NewParameters(backend, seed, sizes.initializerRange()), type), rates(sizes, dropout));
    }

    private static Function<String, Parameter> made(DebertaConfig config, Labels labels, NewParameters made, WeightType type) {
        return name -> {
            Shape shape = config.shapeOf(name, labels.count());
            if (shape.rank() == 1) {
                return made.constant(name, shape, name.endsWith(".weight") ? 1 : 0);
            }
            return made.normal(name, shape, NAMES.typeOf(name, type));
        };
    }

    @Override
    public SequenceClassifier emptyClassifier(ModelConfig config, Labels labels, Backend backend) {
        DebertaConfig sizes = (DebertaConfig) config;
        return make(sizes, labels, backend,
                name -> new Parameter(name, backend, backend.allocate(sizes.shapeOf(name, labels.count()))), Rates.NONE);
    }

    private static BodyClassifier make(
            DebertaConfig config, Labels labels, Backend backend, Function<String, Parameter> parameter, Rates dropout) {
        DebertaBody body = new DebertaBody(config, backend, parameter, dropout);
        ClassificationHead head = new ClassificationHead(
                new ClassificationHead.Dense(slot(DebertaNames.POOLER, Role.POOLER, parameter), config.functions().pooler(),
                        new Dropout(dropout.pooler(), Philox.site(DebertaNames.POOLER + ".before")),
                        new Dropout(dropout.head(), Philox.site(DebertaNames.POOLER + ".dropout"))),
                slot(DebertaNames.CLASSIFIER, Role.CLASSIFIER, parameter));
        return new BodyClassifier(config, backend, body, head, labels, config.padding(), Map.of());
    }

    private static Slot<Projection> slot(String name, Role role, Function<String, Parameter> parameter) {
        return new Slot<>(name, role, new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
    }

    /** {@code config.json} and {@code model.safetensors} in float32. */
    @Override
    public void write(Model model, Path folder, Map<String, String> metadata) {
        BodyClassifier classifier = (BodyClassifier) model;
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        metadata.forEach(writer::metadata);
        for (Parameter parameter : model.parameters()) {
            writer.addLater(parameter.name(), DType.F32, parameter.shape(), () -> model.backend().readFloats(parameter.value()));
        }
        writer.write(folder.resolve("model.safetensors"));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("architectures", List.of(architecture()));
        json.putAll(DebertaConfigFile.fields((DebertaConfig) classifier.config()));
        json.putAll(classifier.fields());
        byte[] config = text(json).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(folder.resolve("config.json"), out -> out.write(config));
    }

    private static String text(Map<String, Object> json) {
        try {
            return new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    // ------------------------------------------------------------------------------------------------ no language model

    @Override
    public boolean writes() {
        return false;
    }

    @Override
    public LanguageModel load(Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        throw new LoraException(Names.oneLine("`model` " + folder + ": " + doesNotWrite()));
    }

    @Override
    public LanguageModel random(ModelConfig config, Backend backend, long seed, WeightType type) {
        throw new LoraException(doesNotWrite());
    }

    @Override
    public LanguageModel empty(ModelConfig config, Backend backend) {
        throw new LoraException(doesNotWrite());
    }

    private static String doesNotWrite() {
        return "a DeBERTa reads texts and does not write them: it can be trained to classify, and asked for labels";
    }

    // ------------------------------------------------------------------------------------------------ tokenizer, sizes

    @Override
    public Tokenizer tokenizer(Path folder) {
        return Tokenizers.debertaV2(folder);
    }

    /** As the hub's files say, dropout left out: counting and measuring have none. */
    @Override
    public Map<String, ModelConfig> shapes() {
        Relative v3 = Relative.BUCKETS;
        Map<String, ModelConfig> shapes = new LinkedHashMap<>();
        shapes.put("deberta-v3-small", shape(new Sizes(128100, 512, 768, 6, 12, 3072), v3));
        shapes.put("deberta-v3-base", shape(new Sizes(128100, 512, 768, 12, 12, 3072), v3));
        shapes.put("deberta-v3-large", shape(new Sizes(128100, 512, 1024, 24, 16, 4096), v3));
        Convolved three = new Convolved(3, 1, Activation.GELU_ERF);
        shapes.put("deberta-v2-xlarge", shape(new Sizes(128100, 512, 1536, 24, 24, 6144), v3).withConvolution(three));
        shapes.put("deberta-v2-xxlarge", shape(new Sizes(128100, 512, 1536, 48, 24, 6144), v3).withConvolution(three));
        shapes.put("deberta-xxl", shapes.get("deberta-v2-xxlarge")); // as the paper calls it
        return shapes;
    }

    private static DebertaConfig shape(Sizes sizes, Relative relative) {
        return DebertaConfig.of(sizes).withEmbeddings(new Embeddings(sizes.width(), false, 0)).withRelative(relative);
    }
}
