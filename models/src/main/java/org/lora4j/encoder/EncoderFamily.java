package org.lora4j.encoder;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
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
import org.lora4j.nn.ClassificationHead;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Slot;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;

/**
 * A family of encoders: models that read a sequence and give it a label. A family says its names, its {@link Spelling}, its
 * sizes and its tokenizer; reading, writing and making are the same for all.
 */
public abstract class EncoderFamily implements ModelFamily {

    private final EncoderNames names;
    private final Spelling spelling;

    protected EncoderFamily(EncoderNames names, Spelling spelling) {
        this.names = names;
        this.spelling = spelling;
    }

    @Override
    public final EncoderNames names() {
        return names;
    }

    @Override
    public final ModelConfig config(Path file) {
        return EncoderConfigFile.read(file, names, spelling);
    }

    /** A configuration of this family with its usual choices. */
    protected final EncoderConfig shape(EncoderConfig.Sizes sizes) {
        return shape(sizes, spelling.defaults().types(), spelling.defaults().epsilon());
    }

    /** The same where the well-known model says otherwise than its class. */
    protected final EncoderConfig shape(EncoderConfig.Sizes sizes, int types, double epsilon) {
        return EncoderConfig.of(names, spelling.defaults().positions(), sizes, types, OptionalInt.of(spelling.defaults().padding()))
                .withEpsilon(epsilon);
    }

    // ------------------------------------------------------------------------------------------------ classifiers

    @Override
    public final SequenceClassifier classifier(
            Path folder, Backend backend, ClassifierHead wanted, BaseDropout dropout, WeightType type, Consumer<String> remarks) {
        Path file = folder.resolve("config.json");
        EncoderConfig config = EncoderConfigFile.read(file, names, spelling);
        ClassifierFields fields = ClassifierFields.read(file);
        try (ModelTensors source = ModelTensors.openClassifier(folder, names, !wanted.anew() && !fields.saysOtherHead())) {
            boolean present = source.hasClassifier();
            Labels labels = wanted.labelsFor(folder, fields::labels, present);
            wanted.remark(folder, source.leftOut(), present ? null : labels, remarks);
            boolean withoutPooler = !present && !source.has(names.headWords().dense() + ".weight")
                    && !source.has(names.headWords().dense() + ".bias");
            if (withoutPooler && names.headWords().role() == Role.POOLER) {
                remarks.accept(Names.oneLine(folder + ": has no " + names.headWords().dense() + ", the map before the head; it is new "
                        + "too"));
            }
            Function<String, Shape> shapes = name -> config.shapeOf(name, labels.count());
            ParameterReader reader = new ParameterReader(source, names, shapes, backend, type);
            Function<String, Parameter> made =
                    made(config, labels, new NewParameters(backend, wanted.seed(), config.initializerRange()), type);
            BodyClassifier model = make(config, labels, backend,
                    name -> !present && names.isOfClassifier(name) || withoutPooler && name.startsWith(names.headWords().dense() + ".")
                            ? made.apply(name) : reader.parameter(name),
                    rates(config, dropout));
            reader.requireAllRead("a " + names.title() + " that classifies");
            return model.withHead(present, withoutPooler && names.headWords().role() == Role.POOLER
                    ? List.of(lastTwoWords(names.headWords().dense())) : List.of());
        }
    }

    /** {@code pooler.dense}: as PEFT names modules that are saved. */
    private static String lastTwoWords(String module) {
        int last = module.lastIndexOf('.');
        return module.substring(module.lastIndexOf('.', last - 1) + 1);
    }

    private static EncoderConfig.Rates rates(EncoderConfig config, BaseDropout wanted) {
        EncoderConfig.Rates configured = config.dropout();
        return new EncoderConfig.Rates(
                wanted.body() == null ? configured.body() : wanted.body(),
                wanted.attention() == null ? configured.attention() : wanted.attention(),
                wanted.head() == null ? configured.head() : wanted.head());
    }

    @Override
    public final SequenceClassifier randomClassifier(
            ModelConfig config, Labels labels, Backend backend, long seed, WeightType type, BaseDropout dropout) {
        EncoderConfig sizes = (EncoderConfig) config;
        return make(sizes, labels, backend,
                made(sizes, labels, new NewParameters(backend, seed, sizes.initializerRange()), type), rates(sizes, dropout));
    }

    private Function<String, Parameter> made(EncoderConfig config, Labels labels, NewParameters made, WeightType type) {
        return name -> {
            Shape shape = config.shapeOf(name, labels.count());
            if (shape.rank() == 1) {
                return made.constant(name, shape, name.endsWith(".weight") ? 1 : 0);
            }
            return made.normal(name, shape, names.isMatrix(name) ? type : WeightType.FLOAT32);
        };
    }

    @Override
    public final SequenceClassifier emptyClassifier(ModelConfig config, Labels labels, Backend backend) {
        EncoderConfig sizes = (EncoderConfig) config;
        return make(sizes, labels, backend,
                name -> new Parameter(name, backend, backend.allocate(sizes.shapeOf(name, labels.count()))), EncoderConfig.Rates.NONE);
    }

    private BodyClassifier make(EncoderConfig config, Labels labels, Backend backend, Function<String, Parameter> parameter,
            EncoderConfig.Rates dropout) {
        Encoder body = new Encoder(config, backend, parameter, dropout);
        EncoderNames.HeadWords words = names.headWords();
        Dropout none = Dropout.NONE;
        ClassificationHead head = new ClassificationHead(
                new ClassificationHead.Dense(slot(words.dense(), words.role(), parameter), words.activation(),
                        words.dropsBefore() ? new Dropout(dropout.head(), Philox.site(words.dense() + ".before")) : none,
                        new Dropout(dropout.head(), Philox.site(words.dense() + ".dropout"))),
                slot(words.output(), Role.CLASSIFIER, parameter));
        return new BodyClassifier(config, backend, body, head, labels, config.padding(), Map.of());
    }

    private static Slot<Projection> slot(String name, Role role, Function<String, Parameter> parameter) {
        return new Slot<>(name, role, new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
    }

    /** {@code config.json} and {@code model.safetensors} in float32. */
    @Override
    public final void write(Model model, Path folder, Map<String, String> metadata) {
        BodyClassifier classifier = (BodyClassifier) model;
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        metadata.forEach(writer::metadata);
        for (Parameter parameter : model.parameters()) {
            writer.addLater(parameter.name(), DType.F32, parameter.shape(), () -> model.backend().readFloats(parameter.value()));
        }
        writer.write(folder.resolve("model.safetensors"));
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("architectures", List.of(architecture()));
        json.putAll(EncoderConfigFile.fields((EncoderConfig) classifier.config(), spelling));
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
    public final boolean writes() {
        return false;
    }

    @Override
    public final LanguageModel load(Path folder, Backend backend, double dropout, WeightType type, Consumer<String> remarks) {
        throw new LoraException(Names.oneLine("`model` " + folder + ": " + doesNotWrite()));
    }

    @Override
    public final LanguageModel random(ModelConfig config, Backend backend, long seed, WeightType type) {
        throw new LoraException(doesNotWrite());
    }

    @Override
    public final LanguageModel empty(ModelConfig config, Backend backend) {
        throw new LoraException(doesNotWrite());
    }

    private String doesNotWrite() {
        return "a " + names.title() + " reads texts and does not write them: it can be trained to classify, and asked for labels";
    }
}
