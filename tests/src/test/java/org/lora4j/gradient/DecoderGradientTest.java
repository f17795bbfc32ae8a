package org.lora4j.gradient;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * Every gradient of whole models with grouped heads, rotary embeddings, windows, norms of heads and behind branches, and fused
 * maps, on the reference backend; of the models of the golden cases.
 */
class DecoderGradientTest {

    private static final double BOUND = 1e-9;

    private final Backend backend = Backends.create("reference");

    @AfterEach
    void close() {
        backend.close();
    }

    private LanguageModel load(String name, double dropout) {
        return Families.load(Path.of("src/test/resources/decoders", name, "model"), backend, dropout, WeightType.FLOAT32, remark -> { });
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "llama_biases_full", "llama_yarn", "llama_dynamic", "mistral_window", "qwen2_window", "qwen3_full", "gemma_all_linear", "gemma2_full", "gemma3_full",
        "gemma3_softcap", "phi3_full", "phi3_longrope"})
    void fullFineTuningWithDropoutAndLabelSmoothing(String name) {
        LanguageModel model = load(name, 0.2);
        model.parameters().forEach(Parameter::trainCopy);
        for (WholeModelGradientTest.Padding padding : List.of(
                WholeModelGradientTest.Padding.LEFT, WholeModelGradientTest.Padding.RIGHT)) {
            GradientCheck.of(model, padding.batch(model.vocabularySize()), 0.1, 9).requireWithin(BOUND, model.parameters());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama_biases", "qwen2_tied", "qwen3_all_linear", "gemma3_all_linear", "phi3_all_linear"})
    void loraOnEveryMapAndEmbeddingWithEveryBias(String name) {
        LanguageModel model = load(name, 0);
        LoraConfig config = LoraConfig.of(2, 3).withBias(BiasMode.ALL).withTargets(TargetSelector.byExpression(".*"));
        LoraAdapter adapter = LoraAdapter.attach(model, config, 5);
        List<Parameter> lora = new ArrayList<>(adapter.trainable());
        lora.removeAll(adapter.biases());
        SmallGpt2.randomise(backend, lora);
        Batch batch = WholeModelGradientTest.Padding.NONE.batch(model.vocabularySize());
        GradientCheck.of(model, batch, 0, 4).requireWithin(BOUND, adapter.trainable());
    }

    /** q is twice as wide as k and v. */
    @Test
    void loraOnPartsOfFusedMaps() {
        LanguageModel model = load("phi3_full", 0);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(2, 3).withParts("q", "v", "up"), 5);
        SmallGpt2.randomise(backend, adapter.trainable());
        Batch batch = WholeModelGradientTest.Padding.NONE.batch(model.vocabularySize());
        GradientCheck.of(model, batch, 0, 4).requireWithin(BOUND, adapter.trainable());
    }
}
