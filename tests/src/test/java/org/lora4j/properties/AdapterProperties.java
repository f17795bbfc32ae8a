package org.lora4j.properties;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraScaling;

/** What an adapter does to a model, and that it can be undone, written and read without losing a bit. */
class AdapterProperties {

    private static final int TRIES = 40;
    private static final Backend REFERENCE = Backends.create("reference");
    private static final Backend CPU = Backends.create("cpu");
    private static final Batch BATCH = SmallBatches.of(new int[] {6, 9, 4}, Side.RIGHT, 11, 1, 8);

    @AfterContainer
    static void close() {
        REFERENCE.close();
        CPU.close();
    }

    static List<Backend> backends() {
        return List.of(REFERENCE, CPU);
    }

    @Provide
    Arbitrary<LoraConfig> adapters() {
        return Adapters.any();
    }

    @Property(tries = TRIES)
    void aNewAdapterLeavesTheOutputsBitEqual(@ForAll("adapters") LoraConfig config, @ForAll long seed) {
        for (Backend backend : backends()) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.UNTIED, backend);
            double[] base = logits(model);
            LoraAdapter.attach(model, config, seed);
            assertThat(logits(model)).isEqualTo(base);
        }
    }

    @Property(tries = TRIES)
    void droppingATrainedAdapterGivesBackTheBaseBitForBit(
            @ForAll("adapters") LoraConfig config, @ForAll @IntRange(min = 1, max = 3) int steps) {
        for (Backend backend : backends()) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            double[] base = logits(model);
            List<Parameter> parameters = model.parameters();
            List<double[]> values = values(parameters, backend);
            LoraAdapter adapter = LoraAdapter.attach(model, config, 1);
            train(adapter, steps);
            assertThat(logits(model)).as("training has moved something").isNotEqualTo(base);

            adapter.detach();

            assertThat(logits(model)).isEqualTo(base);
            assertThat(model.parameters()).containsExactlyElementsOf(parameters).noneMatch(Parameter::isTrainable);
            List<double[]> now = values(parameters, backend);
            for (int i = 0; i < now.size(); i++) {
                assertThat(now.get(i)).as(parameters.get(i).name()).isEqualTo(values.get(i));
            }
        }
    }

    @Property(tries = 20) // each writes four files through to the disk
    void savingLoadingAndSavingAgainGivesTheSameBytes(@ForAll("adapters") LoraConfig config, @ForAll int seed) {
        Gpt2 model = SmallGpt2.of(SmallGpt2.UNTIED, CPU);
        LoraAdapter adapter = LoraAdapter.attach(model, config, seed);
        train(adapter, 1);
        inTemporaryFolder(folder -> {
            PeftFormat.save(adapter, folder.resolve("first"), "small", Map.of("note", "kept"));
            Gpt2 other = SmallGpt2.of(SmallGpt2.UNTIED, CPU);
            LoraAdapter loaded = PeftFormat.load(other, folder.resolve("first"));
            PeftFormat.save(loaded, folder.resolve("second"), "small", Map.of("note", "kept"));

            for (String file : List.of("adapter_config.json", "adapter_model.safetensors")) {
                assertThat(folder.resolve("second").resolve(file))
                        .hasSameBinaryContentAs(folder.resolve("first").resolve(file));
            }
            assertThat(logits(other)).isEqualTo(logits(model));
        });
    }

    /** PEFT has no parts: for it, an update on q and v is one of twice the rank, with zeros where the other part is. */
    @Property(tries = TRIES)
    void anUpdateOfPartsEqualsThePlainOneThatItsFileDescribes(
            @ForAll @IntRange(min = 1, max = 2) int rank, @ForAll LoraScaling scaling) {
        List<String> parts = List.of("q", "v");
        for (Backend backend : backends()) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            LoraAdapter merged = LoraAdapter.attach(model, LoraConfig.of(rank, 3).withScaling(scaling).withParts(parts), 1);
            SmallGpt2.randomise(backend, merged.trainable());
            double[] expected = logits(model);
            List<double[]> asWritten = PeftFormat.entries(merged).stream()
                    .map(entry -> entry.inFileLayout(backend, entry.parameter().value())).toList();
            merged.detach();
            LoraConfig twice = LoraConfig.of(2 * rank, scaling == LoraScaling.ALPHA_OVER_R ? 6 : 3 * Math.sqrt(2))
                    .withScaling(scaling).withTargets(TargetSelector.byNames(List.of("c_attn")));
            LoraAdapter plain = LoraAdapter.attach(model, twice, 2);
            List<PeftFormat.Entry> entries = PeftFormat.entries(plain);
            for (int i = 0; i < entries.size(); i++) {
                backend.upload(asWritten.get(i), entries.get(i).parameter().value());
            }
            ModelProperties.assertClose(logits(model), expected, backend);
        }
    }

    @Example
    void partsInOneLayerAndAWholeUpdateInAnotherCanBeWrittenAndRead() {
        LoraConfig config = LoraConfig.of(2, 3).withParts("q", "v").withPartsInLayers(List.of(0))
                .withTargets(TargetSelector.byNames(List.of("c_attn")).onLayers(List.of(1)));
        savingLoadingAndSavingAgainGivesTheSameBytes(config, 3);
    }

    private static void train(LoraAdapter adapter, int steps) {
        Gpt2 model = (Gpt2) adapter.model();
        Workspace ws = Workspace.forTraining(model.backend(), BATCH.inputIds().length, 1);
        AdamW.Settings settings = new AdamW.Settings(0.9, 0.999, 1e-8, 0.01, DecayOrder.BEFORE, false);
        AdamW adamW = new AdamW(model.backend(), adapter.trainable(), settings);
        for (int step = 0; step < steps; step++) {
            adapter.trainable().forEach(Parameter::clearGradient);
            model.lossAndGradients(BATCH, 1.0 / BATCH.targets(), 0, step, ws);
            adamW.step(0.1);
        }
    }

    private static double[] logits(Gpt2 model) {
        Workspace ws = Workspace.forInference(model.backend(), BATCH.inputIds().length);
        return model.backend().readDoubles(model.logits(BATCH, ws));
    }

    private static List<double[]> values(List<Parameter> parameters, Backend backend) {
        return parameters.stream().map(parameter -> backend.readDoubles(parameter.value())).toList();
    }

    private interface Body {
        void run(Path folder) throws IOException;
    }

    private static void inTemporaryFolder(Body body) {
        try {
            Path folder = Files.createTempDirectory("adapter");
            try {
                body.run(folder);
            } finally {
                try (Stream<Path> files = Files.walk(folder)) {
                    for (Path file : files.sorted((a, b) -> b.compareTo(a)).toList()) {
                        Files.delete(file);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
