package org.lora4j.toy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.adapters.AdapterFormat;
import org.lora4j.adapters.LoralibFormat;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.cli.Main;
import org.lora4j.data.Batch;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.model.ModelNames;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.BitFit;
import org.lora4j.tuning.FullFineTuning;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.TopBlocks;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** Everything that GPT-2 can do, done with another family: whoever adds one writes a package such as this and no more. */
class ToyFamilyTest {

    private static final ToyConfig SMALL = new ToyConfig(13, 9, 8, 3, 2, 12);

    @TempDir
    private Path folder;

    private final Backend backend = new ReferenceBackend();
    private final LanguageModel model = Families.random(SMALL, backend, 7, WeightType.FLOAT32);
    private final Batch batch = SmallBatches.of(new int[] {7, 5}, SmallBatches.Side.RIGHT, 13, 2, 3);

    private record Run(int code, String out, String err) {
    }

    private static Run lora4j(Object... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8),
                Stream.of(args).map(Object::toString).toArray(String[]::new));
        return new Run(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private LoraConfig askSayMix() {
        return LoraConfig.of(2, 4).withTargets("q,v,o", List.of());
    }

    private double step(Tuning tuning, AdamW adamW) {
        tuning.trainable().forEach(Parameter::clearGradient);
        double loss = model.lossAndGradients(batch, 1.0 / batch.targets(), 0, adamW.steps(), Workspace.forTraining(backend, 14, 0));
        adamW.step(1e-2);
        return loss;
    }

    private double loss(LanguageModel of) {
        return of.loss(batch, 0, Workspace.forInference(of.backend(), 14));
    }

    // ------------------------------------------------------------------------------------------------ the model

    /** The toy itself must be right, or it proves nothing: its gradients by central differences, in double. */
    @Test
    void itsGradientsAreThoseOfItsLoss() {
        Tuning tuning = new FullFineTuning().attach(model, 0);
        tuning.trainable().forEach(Parameter::clearGradient);
        model.lossAndGradients(batch, 1, 0, 0, Workspace.forTraining(backend, 14, 0));
        double h = 1e-5;
        for (Parameter parameter : tuning.trainable()) {
            double[] gradient = backend.readDoubles(parameter.gradient());
            double[] values = backend.readDoubles(parameter.value());
            for (int i = 0; i < values.length; i += 1 + values.length / 5) {
                double value = values[i];
                values[i] = value + h;
                backend.upload(values, parameter.value());
                double above = loss(model);
                values[i] = value - h;
                backend.upload(values, parameter.value());
                double below = loss(model);
                values[i] = value;
                backend.upload(values, parameter.value());
                // h²·L‴/6 and the rounding of a loss of some tens, 2⁻⁵³·50/h
                assertThat(gradient[i]).as(parameter.name()).isCloseTo((above - below) / (2 * h), within(1e-6));
            }
        }
    }

    static Stream<TuningMethod> methods() {
        return Stream.of(new FullFineTuning(), new BitFit(), new TopBlocks(1),
                new LowRankAdaptation(LoraConfig.of(2, 4).withTargets("q,v,o", List.of()), List.of()));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void everyMethodLearnsAndGivesTheBaseBack(TuningMethod method) {
        double before = loss(model);
        Tuning tuning = method.attach(model, 5);
        AdamW adamW = new AdamW(backend, tuning.trainable(), AdamW.Settings.AUTHORS);
        for (int i = 0; i < 5; i++) {
            step(tuning, adamW);
        }
        assertThat(loss(model)).isLessThan(before);
        tuning.detach();
        assertThat(loss(model)).isEqualTo(before);
    }

    @Test
    void theMethodsTrainWhatTheirNamesSay() {
        Tuning top = new TopBlocks(1).attach(model, 0);
        assertThat(top.trainable()).hasSize(16).allMatch(parameter -> parameter.name().startsWith("body.stage.2."));
        top.detach();
        Tuning biases = new BitFit().attach(model, 0);
        assertThat(biases.trainable()).hasSize(3 * 8 + 1).allMatch(parameter -> parameter.name().endsWith(".bias"));
        biases.detach();
        assertThat(new FullFineTuning().attach(model, 0).parameterCount()).isEqualTo(SMALL.parameterCount());
    }

    // ------------------------------------------------------------------------------------------------ adapters

    @Test
    void wordsMeanItsMapsAndLayersItsStages() {
        LoraAdapter adapter = LoraAdapter.attach(model, askSayMix(), 5);
        assertThat(adapter.adaptedModules()).hasSize(9).allMatch(module -> module.matches("body\\.stage\\.[012]\\.look\\.(ask|say|mix)"));
        adapter.detach();
        LoraAdapter last = LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets("q,grow", List.of(2)), 5);
        assertThat(last.adaptedModules()).containsExactly("body.stage.2.look.ask", "body.stage.2.think.grow");
        last.detach();
        LoraAdapter all = LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets("all-linear", List.of()), 5);
        assertThat(all.adaptedModules()).hasSize(3 * 6).noneMatch(module -> module.equals("answer"));
        all.detach();
        assertThatThrownBy(() -> LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets("q", List.of(1, 3)), 5))
                .isInstanceOf(LoraException.class)
                .hasMessage("`layers` 1 and 3: nothing that is 'q' is in layer 3; they are in 0, 1 and 2");
        assertThatThrownBy(() -> LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets("head", List.of(1)), 5))
                .hasMessage("`layers` 1: nothing that is 'head' is in layer 1 or any other");
        assertThatThrownBy(() -> LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets("gate", List.of()), 5))
                .isInstanceOf(LoraException.class).hasMessageContaining("this Toy").hasMessageContaining("q, k, v, o, up, down");
    }

    @Test
    void anAdapterIsSavedAndLoadedAsPeftHasIt() throws IOException {
        Tuning tuning = new LowRankAdaptation(askSayMix(), List.of("answer")).attach(model, 5);
        AdamW adamW = new AdamW(backend, tuning.trainable(), AdamW.Settings.AUTHORS);
        step(tuning, adamW);
        // what is saved is floats
        for (Parameter parameter : tuning.trainable()) {
            backend.upload(backend.readFloats(parameter.value()), parameter.value());
        }
        double trained = loss(model);
        tuning.save(folder.resolve("adapter"), "toy", Map.of(), Families::write);
        tuning.detach();
        assertThat(loss(model)).isNotEqualTo(trained);

        LoraAdapter loaded = PeftFormat.load(model, folder.resolve("adapter"));
        assertThat(loss(model)).isEqualTo(trained);
        assertThat(loaded.wholeNames()).containsExactly("answer");
        JsonNode config = new ObjectMapper().readTree(folder.resolve("adapter/adapter_config.json").toFile());
        assertThat(config.path("fan_in_fan_out").booleanValue()).isFalse();
        assertThat(config.path("target_modules")).extracting(JsonNode::textValue).containsExactly("ask", "mix", "say");
        assertThat(config.path("task_type").textValue()).isEqualTo("CAUSAL_LM");
    }

    @Test
    void aLoralibFileOfItGoesThereAndBack() {
        StoredAdapter stored = saved(askSayMix());
        List<String> remarks = new ArrayList<>();
        AdapterFiles.write(stored, AdapterFormat.LORALIB, folder.resolve("toy.pt"), remarks);
        StoredAdapter back = AdapterFiles.read(folder.resolve("toy.pt"), LoralibFormat.Options.alpha(4));
        assertThat(back.updates()).hasSize(9).allMatch(update -> !update.embedding() && update.rank() == 2);
        assertThat(back.config().field("fan_in_fan_out").booleanValue()).isFalse();
        assertThat(back.config().taskType()).contains("CAUSAL_LM");

        AdapterFiles.write(saved(LoraConfig.of(2, 4).withTargets("words", List.of())), AdapterFormat.LORALIB,
                folder.resolve("words.pt"), remarks);
        assertThat(AdapterFiles.read(folder.resolve("words.pt"), LoralibFormat.Options.alpha(4)).updates())
                .singleElement().matches(update -> update.embedding());
    }

    @Test
    void llamaCppHasNoToysAndTheErrorSaysSo() {
        assertThatThrownBy(() -> AdapterFiles.write(
                saved(askSayMix()), AdapterFormat.GGUF, folder.resolve("toy.gguf"), new ArrayList<>()))
                .isInstanceOf(LoraException.class).hasMessageContaining("is for Toy, which llama.cpp does not have");
        assertThat(folder.resolve("toy.gguf")).doesNotExist();
    }

    private StoredAdapter saved(LoraConfig config) {
        LoraAdapter adapter = LoraAdapter.attach(model, config, 5);
        PeftFormat.save(adapter, folder.resolve("saved"), "toy", Map.of());
        adapter.detach();
        return AdapterFiles.read(folder.resolve("saved"), LoralibFormat.Options.alpha(4));
    }

    // ------------------------------------------------------------------------------------------------ files, commands

    @Test
    void aFolderIsFoundByItsModelType() {
        Families.write(model, folder.resolve("base"));
        LanguageModel read = Families.load(folder.resolve("base"), backend);
        assertThat(read.names().modelType()).isEqualTo("toy");
        assertThat(loss(read)).isEqualTo(loss(model));
        assertThat(ModelNames.ofModules(List.of("body.stage.0.look.ask", "answer")).orElseThrow().title()).isEqualTo("Toy");
    }

    /** A toy with the vocabulary of base-6m, so that there is a tokenizer. */
    private Path base;

    @BeforeEach
    void writeBase() throws IOException {
        base = folder.resolve("toys");
        Files.createDirectories(base);
        try (Backend b = new ReferenceBackend()) {
            Families.write(Families.random(new ToyConfig(4096, 32, 8, 2, 2, 12), b, 1, WeightType.FLOAT32), base);
        }
        for (String file : List.of("vocab.json", "merges.txt")) {
            Files.copy(EmbeddedBase.folder().resolve(file), base.resolve(file));
        }
    }

    @Test
    void theCommandsTrainWriteMergeCompareAndInspectIt() throws IOException {
        Path data = folder.resolve("pairs.txt");
        Files.writeString(data, "a||b c\nd||e f\n".repeat(4));
        Path adapter = folder.resolve("my-adapter");
        Run train = lora4j("train", "--model", base, "--data", data, "--targets", "q,v,o", "--epochs", "2", "--batch", "4",
                "--lr", "1e-2", "--out", adapter);
        assertThat(train.code).as(train.err).isZero();
        assertThat(train.out).contains("Toy, 2 layers, 8 wide, 2 heads");

        Run generate = lora4j("generate", "--model", base, "--adapter", adapter, "--prompt", "a", "--max-new-tokens", "4");
        assertThat(generate.code).as(generate.err).isZero();

        Run inspect = lora4j("inspect", adapter, "--json");
        assertThat(inspect.code).as(inspect.err).isZero();
        assertThat(new ObjectMapper().readTree(inspect.out).path("layers")).hasSize(6);

        Path merged = folder.resolve("merged");
        Run merge = lora4j("merge", "--model", base, "--adapter", adapter, "--out", merged, "--json");
        assertThat(merge.code).as(merge.err).isZero();
        // the sum is rounded once to a float; logits of about 1 differ by a few of their roundings
        assertThat(new ObjectMapper().readTree(merge.out).path("logits_max_change_relative").doubleValue()).isLessThan(1e-5);
        assertThat(new ObjectMapper().readTree(merged.resolve("config.json").toFile()).at("/architectures/0").textValue())
                .isEqualTo("ToyForCausalLM");
        assertThat(merged.resolve("vocab.json")).exists();

        Run compare = lora4j("compare", "--model", base, "--random", "1x6", "--steps", "1", "--json",
                "--out", folder.resolve("compare.html"));
        assertThat(compare.code).as(compare.err + compare.out).isZero();
        assertThat(Files.readString(folder.resolve("compare.json"))).contains("\"layer\" : 1");
    }

    @Test
    void theDoctorCountsItsStep() throws IOException {
        Run doctor = lora4j("doctor", "--model", base, "--batch", "2", "--length", "8", "--json");
        assertThat(doctor.code).as(doctor.err).isZero();
        assertThat(new ObjectMapper().readTree(doctor.out).at("/model/weights").longValue())
                .isEqualTo(Families.config(base).parameterCount());
    }
}
