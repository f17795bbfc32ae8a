package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.analysis.PrincipalParts;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.io.Safetensors;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterSet;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraInit;
import org.lora4j.tuning.lora.LoraProjection;
import org.lora4j.tuning.lora.LoraScaling;
import org.lora4j.tuning.lora.MergedWeights;

/**
 * PiSSA against PEFT, which decomposes in float32: its numbers have errors of some 10⁻⁷, which ten steps of training make some
 * 10⁻⁵. See {@code make_pissa.py}.
 */
class PissaTest {

    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final double PEFTS = 2e-5;

    @TempDir
    private Path folder;

    private final Backend backend = Backends.create("reference");

    private static Path of(String name) {
        return RESOURCES.resolve("pissa").resolve(name);
    }

    private static Path base(String name) {
        try {
            return RESOURCES.resolve(Files.readString(of(name).resolve("of.txt")).strip());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Batch batch(String name) {
        try (Safetensors file = Safetensors.open(base(name).resolve("batch.safetensors"))) {
            Shape shape = file.shape("input_ids");
            return new Batch(shape.dim(0), shape.dim(1), file.ints("input_ids"),
                    file.has("attention_mask") ? file.ints("attention_mask") : null, null, file.ints("labels"));
        }
    }

    private static double[] expected(String name, String tensor) {
        try (Safetensors file = Safetensors.open(of(name).resolve("expected.safetensors"))) {
            return file.doubles(tensor);
        }
    }

    private LoraAdapter attach(String name, LanguageModel model, int iterations) {
        PeftConfig peft = PeftConfig.read(of(name).resolve("peft"));
        return LoraAdapter.attach(model, LoraConfig.of(peft.r(), peft.alpha()).withScaling(peft.scaling())
                .withTargets(peft.targets().orElseThrow()).withPissa(iterations), 1);
    }

    private double[] logits(LanguageModel model, Batch batch) {
        return backend.readDoubles(model.logits(batch, Workspace.forInference(backend, batch.inputIds().length)));
    }

    private double[] update(LoraProjection lora) {
        Tensor delta = backend.allocate(lora.base().weight().shape());
        lora.addDeltaWeight(backend, delta);
        return backend.readDoubles(delta);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2_c_attn", "gpt2_rslora", "llama_qv"})
    void itBeginsAndLearnsAsInPeftAndLeavesTheBaseAsItWas(String name) {
        LanguageModel model = Families.load(base(name).resolve("model"), backend);
        Batch batch = batch(name);
        double[] before = logits(model, batch);
        List<double[]> weights = model.parameters().stream().map(parameter -> backend.readDoubles(parameter.value())).toList();
        LoraAdapter adapter = attach(name, model, 0);

        assertThat(GoldenValuesTest.relativeError(logits(model, batch), before)).as("it begins at the base").isLessThan(1e-12);
        assertThat(GoldenValuesTest.relativeError(update(adapter.projections().values().iterator().next()), expected(name, "update")))
                .as("s·B₀·A₀").isLessThan(1e-5);

        AdamW adamW = new AdamW(backend, adapter.trainable(), new AdamW.Settings(0.9, 0.999, 1e-8, 0.01, DecayOrder.BEFORE, false));
        double[] losses = new double[10];
        Workspace ws = Workspace.forTraining(backend, batch.inputIds().length, 1);
        for (int step = 0; step < losses.length; step++) {
            adapter.trainable().forEach(Parameter::clearGradient);
            losses[step] = model.lossAndGradients(batch, 1.0 / batch.targets(), 0, step, ws) / batch.targets();
            adamW.step(3e-3);
        }
        assertThat(GoldenValuesTest.relativeError(losses, expected(name, "losses"))).as(Arrays.toString(losses)).isLessThan(PEFTS);
        double[] trained = logits(model, batch);
        assertThat(GoldenValuesTest.relativeError(trained, expected(name, "logits"))).as("logits").isLessThan(10 * PEFTS);
        try (MergedWeights merged = MergedWeights.of(adapter)) {
            assertThat(merged).isNotNull();
            assertThat(GoldenValuesTest.relativeError(logits(model, batch), trained)).as("merged").isLessThan(1e-12);
        }

        PeftFormat.save(adapter, folder, "model", Map.of());
        adapter.detach();
        for (int i = 0; i < weights.size(); i++) {
            assertThat(backend.readDoubles(model.parameters().get(i).value())).isEqualTo(weights.get(i));
        }
        PeftConfig ours = PeftConfig.read(folder);
        PeftConfig theirs = PeftConfig.read(of(name).resolve("converted"));
        assertThat(ours.r()).isEqualTo(theirs.r());
        assertThat(ours.alpha()).isEqualTo(theirs.alpha());
        assertThat(ours.field("init_lora_weights").booleanValue()).isTrue();
        LoraAdapter read = PeftFormat.load(model, folder);
        assertThat(GoldenValuesTest.relativeError(logits(model, batch), trained)).as("as a plain LoRA, in floats").isLessThan(1e-6);
        read.detach();
    }

    /** Both of PEFT's files give the logits of the model that PEFT trained: its own form, and the plain LoRA that it converts to. */
    @ParameterizedTest
    @ValueSource(strings = {"gpt2_c_attn", "gpt2_rslora", "llama_qv"})
    void bothOfPeftsFilesAreRead(String name) {
        LanguageModel model = Families.load(base(name).resolve("model"), backend);
        for (String form : List.of("peft", "converted")) {
            LoraAdapter adapter = PeftFormat.load(model, of(name).resolve(form));
            assertThat(GoldenValuesTest.relativeError(logits(model, batch(name)), expected(name, "logits"))).as(form).isLessThan(PEFTS);
            adapter.detach();
        }
        assertThat(model.parameters()).allMatch(parameter -> parameter.value() == parameter.baseValue());
    }

    /** Without the base at hand nothing can be made of it: merging and converting say how to get a plain one. */
    @Test
    void pissasOwnFormIsNotConvertedWithoutItsBase() {
        assertThatThrownBy(() -> AdapterFiles.read(of("llama_qv").resolve("peft"), new LoralibFormat.Options(OptionalDouble.empty(), List.of(), null))
                .config().requireSupported()).isInstanceOf(LoraException.class).hasMessageContaining("path_initial_model_for_weight_conversion");
    }

    @Test
    void manyIterationsOfTheSketchComeToTheExactParts() {
        LanguageModel model = Families.load(base("gpt2_c_attn").resolve("model"), backend);
        LoraAdapter exact = attach("gpt2_c_attn", model, 0);
        double[] wanted = update(exact.projections().values().iterator().next());
        exact.detach();
        LoraAdapter sketched = attach("gpt2_c_attn", model, 400);
        assertThat(GoldenValuesTest.relativeError(update(sketched.projections().values().iterator().next()), wanted)).isLessThan(1e-9);
        sketched.detach();
        LoraAdapter rough = attach("gpt2_c_attn", model, 1);
        assertThat(GoldenValuesTest.relativeError(update(rough.projections().values().iterator().next()), wanted)).isBetween(1e-9, 10.0);
    }

    /** A wide, a tall and a matrix of rank 2, of which three parts are asked for. */
    @Test
    void principalPartsMakeTheMatrixAgain() {
        for (int[] size : new int[][] {{3, 7}, {7, 3}, {5, 5}}) {
            double[] w = new double[size[0] * size[1]];
            new Philox(3).fillNormal(w, 1, 0, 1);
            assertThat(GoldenValuesTest.relativeError(product(PrincipalParts.of(w, size[0], size[1], Math.min(size[0], size[1])), size), w))
                    .isLessThan(1e-12);
        }
        double[] low = product(PrincipalParts.of(new double[] {1, 2, 3, 2, 4, 6, 1, 0, 1}, 3, 3, 3), new int[] {3, 3});
        assertThat(GoldenValuesTest.relativeError(low, new double[] {1, 2, 3, 2, 4, 6, 1, 0, 1})).isLessThan(1e-7);
        assertThat(PrincipalParts.of(new double[4], 2, 2, 1).u()).containsOnly(0);
        assertThatThrownBy(() -> PrincipalParts.of(new double[] {1, Double.NaN}, 1, 2, 1)).isInstanceOf(LoraException.class);
    }

    private static double[] product(PrincipalParts parts, int[] size) {
        int rank = parts.values().length;
        double[] product = new double[size[0] * size[1]];
        for (int i = 0; i < size[0]; i++) {
            for (int j = 0; j < size[1]; j++) {
                for (int k = 0; k < rank; k++) {
                    product[i * size[1] + j] += parts.u()[i * rank + k] * parts.values()[k] * parts.v()[j * rank + k];
                }
            }
        }
        return product;
    }

    @Test
    void whatMakesNoSenseIsNamedAndLeavesTheModelAsItWas() {
        LanguageModel model = Families.random(Gpt2Config.of(31, 8, 8, 2, 2), backend, 3, WeightType.FLOAT32);
        LoraConfig pissa = LoraConfig.of(2, 4).withParts("q", "v").withPissa(0);
        assertThat(pissa.init()).isEqualTo(LoraInit.PISSA);
        assertThatThrownBy(() -> LoraAdapter.attach(model, pissa.withDora(true), 1)).hasMessageContaining("pissa with DoRA");
        assertThatThrownBy(() -> LoraAdapter.attach(model, LoraConfig.of(2, 0).withParts("q").withPissa(0), 1))
                .hasMessageContaining("`alpha` 0.0 with `init` pissa");
        assertThatThrownBy(() -> LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets(TargetSelector.byNames(List.of("wte"))).withPissa(0), 1))
                .hasMessageContaining("transformer.wte is an embedding");
        assertThatThrownBy(() -> LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets(TargetSelector.byNames(List.of("lm_head"))).withPissa(0), 1))
                .hasMessageContaining("tied to the token embedding");
        assertThatThrownBy(() -> LoraConfig.of(2, 4).withPissa(-1)).hasMessageContaining("at least 1 iteration");
        assertThat(model.parameters()).allMatch(parameter -> parameter.value() == parameter.baseValue() && !parameter.isTrainable());
        LoraAdapter adapter = LoraAdapter.attach(model, pissa.withScaling(LoraScaling.ALPHA_OVER_SQRT_R), 1);
        assertThatThrownBy(() -> new AdapterSet(model).add("a", adapter)).hasMessageContaining("save it, as a plain LoRA");
    }
}
