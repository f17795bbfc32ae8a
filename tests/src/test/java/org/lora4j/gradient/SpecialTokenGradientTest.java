package org.lora4j.gradient;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallClassifiers;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.AdapterMethod;
import org.lora4j.tuning.AdapterTuning;
import org.lora4j.tuning.LoraWithTokens;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.TuningMethods;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.prefix.SpecialTokenMethod;

/** Every gradient of special tokens, in whole models on the reference backend. */
class SpecialTokenGradientTest {

    private static final double BOUND = 1e-9;
    private static final List<String> METHODS = List.of("prefix-embedding:2,infix=2", "prefix-layer:2,infix=1", "prefix-layer:0,infix=2",
            "prompt-tuning:3,init=random", "p-tuning:2,width=3", "prefix-tuning:3", "prefix-tuning:2,projection=true,width=3");

    private final Backend backend = Backends.create("reference");

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        backend.close();
    }

    static Stream<Arguments> methodsOnDecoders() {
        return METHODS.stream().flatMap(method -> Stream.of("gpt2", "llama_biases", "mistral_window", "qwen3_full", "phi3_full", "gemma3_full")
                .map(model -> Arguments.of(method, model)));
    }

    private LanguageModel decoder(String name) {
        return name.equals("gpt2") ? SmallGpt2.of(Gpt2Config.of(11, 12, 8, 2, 2), backend, 0.2)
                : Families.load(Path.of("src/test/resources/decoders", name, "model"), backend, 0.2, WeightType.FLOAT32, remark -> { });
    }

    @ParameterizedTest
    @MethodSource("methodsOnDecoders")
    void decodersWithPaddingOnEitherSideAndDropout(String method, String name) {
        LanguageModel model = decoder(name);
        AdapterTuning tuning = ((AdapterMethod) TuningMethods.parse(method)).attach(model, 5);
        SmallGpt2.randomise(backend, tuning.trainable());
        for (SmallBatches.Side side : SmallBatches.Side.values()) {
            Batch batch = SmallBatches.of(new int[] {6, 4, 7}, side, model.vocabularySize(), 3, 3);
            GradientCheck.of(model, batch, 0.1, 9).requireWithin(BOUND, tuning.trainable());
        }
    }

    /** LoRA on every map and embedding, beside special tokens: neither's gradient is disturbed by the other. */
    @ParameterizedTest
    @ValueSource(strings = {"prefix-embedding:2,infix=1", "prefix-layer:1,infix=1", "prefix-tuning:2"})
    void withLora(String method) {
        LanguageModel model = decoder("gpt2");
        LoraWithTokens both = new LoraWithTokens(new LowRankAdaptation(LoraConfig.of(2, 3).withParts("q", "v")
                .withTargets(TargetSelector.byNames(List.of("c_proj", "wte", "wpe")))), (SpecialTokenMethod) TuningMethods.parse(method));
        AdapterTuning tuning = both.attach(model, 5);
        SmallGpt2.randomise(backend, tuning.trainable());
        Batch batch = SmallBatches.of(new int[] {6, 4, 7}, SmallBatches.Side.RIGHT, 11, 3, 3);
        GradientCheck.of(model, batch, 0, 9).requireWithin(BOUND, tuning.trainable());
        List<Parameter> with = model.parameters();
        tuning.detach();
        assertThat(with).containsAll(model.parameters());
        assertThat(model.parameters()).noneMatch(Parameter::isTrainable);
        assertThat(model.prefix()).isEmpty();
    }

    static Stream<Arguments> methodsOnClassifiers() {
        return SmallClassifiers.FAMILIES.stream().flatMap(family -> Stream.of("prefix-embedding:2", "prefix-layer:2",
                "prompt-tuning:2", "prefix-tuning:2").map(method -> Arguments.of(family, method)));
    }

    @ParameterizedTest
    @MethodSource("methodsOnClassifiers")
    void classifiersWithTheirHeads(String family, String method) {
        SequenceClassifier model = Families.classifier(SmallClassifiers.write(family, Labels.of(List.of("no", "yes")), folder), backend,
                ClassifierHead.asStored(), new BaseDropout(0.2, 0.1, 0.3), WeightType.FLOAT32, remark -> { });
        SmallClassifiers.randomise(backend, model.parameters());
        AdapterTuning tuning = ((AdapterMethod) TuningMethods.parse(method)).attach(model, 5);
        SmallClassifiers.randomise(backend, tuning.trainable());
        assertThat(tuning.trainable()).anyMatch(parameter -> model.names().isOfClassifier(parameter.name()));
        List<Parameter> checked = new ArrayList<>(tuning.trainable());
        var batch = SmallClassifiers.batch(model);
        new GradientCheck<>(model, batch, batch.size(), 0.1, 9).requireWithin(1e-8, checked);
    }
}
