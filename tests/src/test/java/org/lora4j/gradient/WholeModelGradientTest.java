package org.lora4j.gradient;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraInit;
import org.lora4j.tuning.lora.LoraScaling;

/** Every gradient of whole GPT-2s on the reference backend, with LoRA everywhere it can be and with full fine-tuning. */
class WholeModelGradientTest {

    /** The project promises 1e-6; this is what doubles give. */
    private static final double BOUND = 1e-9;

    private static final LoraConfig EVERYWHERE = LoraConfig.of(2, 3).withParts("q", "v").withBias(BiasMode.ALL)
            .withTargets(TargetSelector.byNames(List.of("c_proj", "c_fc", "wte", "wpe", "lm_head")));

    private final Backend backend = Backends.create("reference");

    @AfterEach
    void close() {
        backend.close();
    }

    /** A batch of each kind of padding; the rows have 6, 4 and 7 tokens, of which one is read only. */
    enum Padding {
        NONE, LEFT, RIGHT;

        Batch batch(int vocabulary) {
            int[] lengths = this == NONE ? new int[] {7, 7, 7} : new int[] {6, 4, 7};
            return SmallBatches.of(lengths, this == LEFT ? Side.LEFT : Side.RIGHT, vocabulary, 1, 3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void loraOnEveryMapAndEmbeddingWithEveryBias(Padding padding) {
        for (Gpt2Config config : List.of(SmallGpt2.TIED, SmallGpt2.UNTIED)) {
            check(SmallGpt2.of(config, backend), EVERYWHERE, padding, 0);
        }
    }

    @ParameterizedTest
    @EnumSource
    void loraWithDropoutInBaseAndAdapterAndLabelSmoothing(Padding padding) {
        for (Gpt2Config config : List.of(SmallGpt2.TIED, SmallGpt2.UNTIED)) {
            check(SmallGpt2.of(config, backend, 0.2), EVERYWHERE.withDropout(0.3), padding, 0.1);
        }
    }

    @Test
    void loraOnTheWholeFusedMapAndOnItsKeysAlone() {
        LoraConfig whole = LoraConfig.of(3, 4).withScaling(LoraScaling.ALPHA_OVER_SQRT_R)
                .withTargets(TargetSelector.byNames(List.of("c_attn")));
        check(SmallGpt2.of(SmallGpt2.TIED, backend), whole, Padding.NONE, 0);
        LoraConfig keys = LoraConfig.of(3, 4).withParts("k").withInit(LoraInit.LORALIB_KAIMING).withBias(BiasMode.LORA_ONLY);
        check(SmallGpt2.of(SmallGpt2.TIED, backend, 0.1), keys.withDropout(0.1), Padding.LEFT, 0);
    }

    @ParameterizedTest
    @EnumSource
    void loraOnOneLayerOnly(Padding padding) {
        for (int layer : new int[] {0, 1}) {
            LoraConfig config = LoraConfig.of(2, 2).withParts("v").withPartsInLayers(List.of(layer));
            check(SmallGpt2.of(SmallGpt2.TIED, backend, 0.2), config, padding, 0);
        }
    }

    private void check(Gpt2 model, LoraConfig config, Padding padding, double labelSmoothing) {
        LoraAdapter adapter = LoraAdapter.attach(model, config, 5);
        List<Parameter> lora = new ArrayList<>(adapter.trainable());
        lora.removeAll(adapter.biases());
        SmallGpt2.randomise(backend, lora);
        Batch batch = padding.batch(model.config().vocabSize());
        GradientCheck.of(model, batch, labelSmoothing, 4).requireWithin(BOUND, adapter.trainable());
        adapter.detach();
    }

    @ParameterizedTest
    @EnumSource
    void fullFineTuning(Padding padding) {
        for (Gpt2Config config : List.of(SmallGpt2.TIED, SmallGpt2.UNTIED)) {
            for (double dropout : new double[] {0, 0.2}) {
                Gpt2 model = SmallGpt2.of(config, backend, dropout);
                model.parameters().forEach(Parameter::trainCopy);
                GradientCheck.of(model, padding.batch(config.vocabSize()), dropout / 2, 9)
                        .requireWithin(BOUND, model.parameters());
            }
        }
    }

    @Test
    void tokenTypesAndAttentionScaledByLayer() {
        Gpt2Config tied = SmallGpt2.TIED;
        Gpt2Config config = tied.withScaleByInverseLayer(true);
        Batch plain = Padding.RIGHT.batch(config.vocabSize());
        int[] types = new int[plain.inputIds().length];
        Arrays.setAll(types, i -> i % 3);
        Batch batch = new Batch(
                plain.size(), plain.length(), plain.inputIds(), plain.attentionMask(), types, plain.labels());
        Gpt2 model = SmallGpt2.of(config, backend, 0.1);
        model.parameters().forEach(Parameter::trainCopy);
        GradientCheck.of(model, batch, 0, 2).requireWithin(BOUND, model.parameters());
    }

    /** Otherwise the checks with dropout would check nothing. */
    @Test
    void dropoutDropsOtherElementsAtAnotherStep() {
        Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend, 0.2);
        LoraAdapter adapter = LoraAdapter.attach(model, EVERYWHERE, 5);
        Batch batch = Padding.NONE.batch(model.config().vocabSize());
        double[] gradients = new double[2];
        for (int step = 0; step < 2; step++) {
            adapter.trainable().forEach(Parameter::clearGradient);
            model.lossAndGradients(batch, 1, 0, step, Workspace.forTraining(backend, 21, 7));
            gradients[step] = backend.sumOfSquares(adapter.trainable().getFirst().gradient());
        }
        assertThat(gradients[0]).isNotEqualTo(gradients[1]);
    }
}
