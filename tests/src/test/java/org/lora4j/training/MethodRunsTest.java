package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Workspace;
import org.lora4j.train.Checkpoint;
import org.lora4j.train.Evaluation;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Fingerprint;
import org.lora4j.train.PromptFormat;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.BitFit;
import org.lora4j.tuning.FullFineTuning;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.TopBlocks;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.TuningMethods;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraConfig;

/** Every method trains, goes on after a kill, and leaves a folder that can be used, by the same path. */
class MethodRunsTest {

    private static final List<TextPair> TRAIN = E2e.embedded(Split.TRAIN).subList(0, 12);
    private static final List<TextPair> DEV = E2e.embedded(Split.DEV).subList(0, 4);
    private static final TrainingPlan PLAN =
            TrainingPlan.of(8, 3e-3, 1).withAccumulation(2).withWarmupSteps(1).withEvaluateEvery(3).withCheckpointEvery(2)
                    .withLogEvery(1);

    @TempDir
    private Path folder;

    static Stream<TuningMethod> methods() {
        return Stream.of(new FullFineTuning(), new BitFit(), new TopBlocks(2), TuningMethods.parse("houlsby:4"),
                TuningMethods.parse("lin:4,norms=true,skip=1"), TuningMethods.parse("p-tuning:4,width=16"),
                TuningMethods.parse("lora+prefix-embedding:3,infix=2",
                        new LowRankAdaptation(LoraConfig.of(2, 16).withParts("q", "v").withDropout(0.1))),
                new LowRankAdaptation(LoraConfig.of(4, 4).withParts("q", "v").withPissa(2)),
                new LowRankAdaptation(LoraConfig.of(4, 32).withParts("q", "v").withDropout(0.1).withBias(BiasMode.ALL)));
    }

    private static final class Killed extends RuntimeException {
    }

    private static FineTuning job(LanguageModel model, TuningMethod method) {
        return FineTuning.of(model, Families.tokenizer(EmbeddedBase.folder())).method(method).train(TRAIN).dev(DEV)
                .batchSize(3).seed(1).source(EmbeddedBase.folder()).build();
    }

    private static Trainer.Outcome train(TuningMethod method, Path out, TrainingListener listener) {
        try (Backend backend = Backends.create("cpu")) {
            return job(Families.load(EmbeddedBase.folder(), backend), method).run(PLAN, out, "base-6m", listener);
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void aRunThatWasKilledEndsWithTheBitsOfOneThatWasNot(TuningMethod method) throws IOException {
        Path whole = folder.resolve("whole");
        Path killed = folder.resolve("killed");
        Trainer.Outcome outcome = train(method, whole, TrainingListener.NONE);
        assertThat(outcome.after().loss()).isLessThan(outcome.before().loss());
        assertThatThrownBy(() -> train(method, killed, new TrainingListener() {
            @Override
            public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                if (step == 5) {
                    throw new Killed();
                }
            }
        })).isInstanceOf(Killed.class);
        List<Long> resumed = new ArrayList<>();
        train(method, killed, new TrainingListener() {
            @Override
            public void resumed(long step) {
                resumed.add(step);
            }
        });
        assertThat(resumed).containsExactly(4L);
        assertThat(names(killed)).isEqualTo(names(whole)).doesNotContain(Checkpoint.FILE_NAME);
        for (String name : names(whole)) {
            if (!name.equals("metrics.jsonl")) {
                assertThat(killed.resolve(name)).hasSameBinaryContentAs(whole.resolve(name));
            }
        }
    }

    private static List<String> names(Path of) throws IOException {
        try (Stream<Path> files = Files.list(of)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** What is read again has the dev loss that was measured, says that it was trained on pairs, and has its tokenizer. */
    @ParameterizedTest
    @MethodSource("methods")
    void whatIsSavedHasTheLossThatWasMeasured(TuningMethod method) throws IOException {
        Trainer.Outcome outcome = train(method, folder, TrainingListener.NONE);
        try (Backend backend = Backends.create("cpu")) {
            boolean adapter = Files.exists(folder.resolve("adapter_config.json"));
            LanguageModel read = Families.load(adapter ? EmbeddedBase.folder() : folder, backend);
            FineTuning again = job(Families.load(EmbeddedBase.folder(), backend), method);
            if (adapter) {
                assertThat(PromptFormat.of(PeftFormat.metadata(folder))).isEqualTo(PromptFormat.PAIR);
                assertThat(names(folder)).doesNotContain("model.safetensors", "vocab.json");
                MethodFolder.attach(read, folder, remark -> { }).freeze();
            } else {
                assertThat(PromptFormat.of(Families.metadata(folder))).isEqualTo(PromptFormat.PAIR);
                assertThat(names(folder)).contains("config.json", "model.safetensors", "vocab.json", "merges.txt");
            }
            assertThat(again.tuning().saved()).isEqualTo(adapter ? Tuning.Saved.ADAPTER : Tuning.Saved.MODEL);
            assertThat(Evaluation.of(read, again.dev(), Workspace.forInference(backend, 500)).loss())
                    .isCloseTo(outcome.after().loss(), within(1e-6));
        }
    }

    @ParameterizedTest
    @MethodSource("methods")
    void theBasesFingerprintDoesNotDependOnTheMethod(TuningMethod method) {
        try (Backend backend = Backends.create("cpu")) {
            LanguageModel model = Families.load(EmbeddedBase.folder(), backend);
            String base = Fingerprint.of(model);
            Tuning tuning = method.attach(model, 3);
            assertThat(Fingerprint.of(model)).isEqualTo(base);
            tuning.trainable().forEach(parameter -> backend.fill(parameter.value(), 0.5));
            assertThat(Fingerprint.of(model)).isEqualTo(base);
            backend.fill(model.parameters().getLast().baseValue(), 7);
            assertThat(Fingerprint.of(model)).isNotEqualTo(base);
        }
    }

    /** An unfinished run of another method is named, and left alone. */
    @Test
    void anUnfinishedRunOfAnotherMethodIsNotGoneOnWith() {
        assertThatThrownBy(() -> train(new TopBlocks(2), folder, stopAt(3))).isInstanceOf(Killed.class);
        assertThatThrownBy(() -> train(new BitFit(), folder, TrainingListener.NONE)).isInstanceOf(LoraException.class)
                .hasMessageContaining("adapter none, by top:2, asked is none, by bitfit");
        assertThatThrownBy(() -> train(new LowRankAdaptation(LoraConfig.of(1, 1).withParts("q")), folder,
                TrainingListener.NONE)).isInstanceOf(LoraException.class).hasMessageContaining("none, by top:2, asked is dropout");
    }

    private static TrainingListener stopAt(long last) {
        return new TrainingListener() {
            @Override
            public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                if (step == last) {
                    throw new Killed();
                }
            }
        };
    }

    @Test
    void aPlanNamesTheSettingThatIsWrong() {
        TrainingPlan plan = TrainingPlan.of(10, 0.1, 1);
        assertThatThrownBy(() -> TrainingPlan.of(10, -1, 1)).hasMessage("`learningRate` -1.0: expected a positive number");
        assertThatThrownBy(() -> TrainingPlan.of(0, 1, 1)).hasMessage("`steps` 0: expected at least 1");
        assertThatThrownBy(() -> plan.withClipNorm(-2)).hasMessageStartingWith("`clipNorm` -2.0: ");
        assertThatThrownBy(() -> plan.withLabelSmoothing(1)).hasMessageStartingWith("`labelSmoothing` 1.0: ");
        assertThat(plan.withWarmupSteps(3).withWarmupSteps(plan.warmupSteps())).isEqualTo(plan).hasSameHashCodeAs(plan);
        assertThat(plan.withLogEvery(3)).isNotEqualTo(plan);
        assertThat(plan.logEvery()).isEqualTo(10);
    }

    @Test
    void aJobHasOneMethod() {
        try (Backend backend = Backends.create("cpu")) {
            LanguageModel model = Families.load(EmbeddedBase.folder(), backend);
            var job = FineTuning.of(model, Families.tokenizer(EmbeddedBase.folder())).train(TRAIN);
            assertThatThrownBy(job::build).isInstanceOf(IllegalStateException.class).hasMessageContaining("no method");
            job.method(new BitFit()).tuning(new BitFit().attach(model, 1));
            assertThatThrownBy(job::build).isInstanceOf(IllegalStateException.class).hasMessageContaining("one of them");
        }
    }
}
