package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.data.LabelledText;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.nn.Parameter;
import org.lora4j.tokenizer.Tokenizers;
import org.lora4j.train.Checkpoint;
import org.lora4j.train.ClassifierTraining;
import org.lora4j.train.Evaluation;
import org.lora4j.train.StoppedException;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.BitFit;
import org.lora4j.tuning.FullFineTuning;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.TopBlocks;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.lora.LoraConfig;

/** Classifiers in the same loop as language models: any method, resumed bit for bit, accumulated, recomputed. */
class ClassifierTrainingTest {

    private static final long SEED = 7;
    private static final int STEPS = 14;
    private static final Labels TWO = Labels.of(List.of("bad", "good"));

    @TempDir
    private Path folder;

    static Stream<Arguments> runs() {
        return Stream.of("reference", "cpu").flatMap(backend -> methods().map(method -> Arguments.of(backend, method)));
    }

    private static Stream<TuningMethod> methods() {
        return Stream.of(new LowRankAdaptation(LoraConfig.of(2, 4).withDropout(0.1).withTargets("q,v", List.of())), new FullFineTuning(),
                new BitFit(), new TopBlocks(1));
    }

    private Path model() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        Files.writeString(model.resolve("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nfilm\nis\ngood\nbad\nso\nvery\n");
        Files.writeString(model.resolve("config.json"), """
                {"model_type": "bert", "vocab_size": 12, "max_position_embeddings": 16, "hidden_size": 8, "num_hidden_layers": 2,
                 "num_attention_heads": 2, "intermediate_size": 16, "type_vocab_size": 2, "initializer_range": 0.3}""");
        return model;
    }

    /** Of very different lengths, so that batches are padded. */
    private static List<LabelledText> texts(int count) {
        return IntStream.range(0, count).mapToObj(i -> new LabelledText(
                "a film is " + "so ".repeat(i % 5) + "very ".repeat(i % 3) + (i % 2 == 0 ? "good" : "bad"), i % 4 == 0 ? "a film" : null,
                i % 2 == 0 ? "good" : "bad")).toList();
    }

    private ClassifierTraining job(Backend backend, TuningMethod method) throws IOException {
        return job(backend, method, TWO, texts(22));
    }

    private ClassifierTraining job(Backend backend, TuningMethod method, Labels labels, List<LabelledText> train) throws IOException {
        Path model = model();
        SequenceClassifier classifier =
                Families.randomClassifier(Families.config(model), labels, backend, 3, WeightType.FLOAT32);
        return ClassifierTraining.of(classifier, Tokenizers.bert(model, true)).method(method).train(train)
                .dev(train.subList(0, 8)).batchSize(4).maxLength(12).seed(SEED).build();
    }

    private static TrainingPlan plan() {
        return TrainingPlan.of(STEPS, 1e-2, SEED).withEvaluateEvery(3).withCheckpointEvery(4).withAccumulation(2).withWarmupSteps(0);
    }

    private static List<double[]> values(ClassifierTraining job, Backend backend) {
        List<double[]> values = new ArrayList<>();
        for (Parameter parameter : job.tuning().trainable()) {
            values.add(backend.readDoubles(parameter.value()));
        }
        return values;
    }

    private static void assertSameBits(List<double[]> one, List<double[]> other) {
        assertThat(one).hasSameSizeAs(other);
        for (int i = 0; i < one.size(); i++) {
            assertThat(Arrays.equals(one.get(i), other.get(i))).as("parameter %d", i).isTrue();
        }
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("runs")
    void aResumedRunEndsWithTheBitsOfOneThatWasNeverStopped(String backend, TuningMethod method) throws IOException {
        try (Backend b = Backends.create(backend)) {
            ClassifierTraining whole = job(b, method);
            Trainer.Outcome outcome = whole.run(plan(), folder.resolve("whole"), "base", TrainingListener.NONE);
            Path parts = folder.resolve("parts");

            assertThatThrownBy(() -> job(b, method).run(plan(), parts, "base", stopAfter(6))).isInstanceOf(StoppedException.class);
            assertThat(Checkpoint.existsIn(parts)).isTrue();
            ClassifierTraining resumed = job(b, method);
            assertThat(resumed.isUnfinishedIn(parts, plan())).isTrue();
            Trainer.Outcome again = resumed.run(plan(), parts, "base", TrainingListener.NONE);

            assertSameBits(values(whole, b), values(resumed, b));
            assertThat(again.after().value()).isEqualTo(outcome.after().value());
            assertThat(again.bestStep()).isEqualTo(outcome.bestStep());
        }
    }

    private static TrainingListener stopAfter(long last) {
        return new TrainingListener() {
            private long done;

            @Override
            public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                done = step;
            }

            @Override
            public boolean stopRequested() {
                return done >= last;
            }
        };
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("runs")
    void makingActivationsAgainChangesNoBit(String backend, TuningMethod method) throws IOException {
        try (Backend b = Backends.create(backend)) {
            ClassifierTraining kept = job(b, method);
            kept.run(plan(), null, "base", TrainingListener.NONE);
            ClassifierTraining again = job(b, method);
            again.run(plan().withRecompute(true), null, "base", TrainingListener.NONE);

            assertSameBits(values(kept, b), values(again, b));
        }
    }

    @Test
    void everyMethodTrainsTheHead() throws IOException {
        try (Backend b = Backends.create("reference")) {
            for (TuningMethod method : methods().toList()) {
                assertThat(job(b, method).tuning().trainable()).as(method.name())
                        .anyMatch(parameter -> parameter.name().contains("classifier"));
            }
        }
    }

    @Test
    void textsAreCutToTheLengthThatIsAskedForAndCounted() throws IOException {
        try (Backend b = Backends.create("reference")) {
            ClassifierTraining job = job(b, new BitFit());

            assertThat(job.examples().longest()).isEqualTo(12);
            assertThat(job.examples().examples()).allMatch(text -> text.length() <= 12);
            assertThat(job.remarks()).first().asString().matches("\\d+ of 22 train texts have more than 12 tokens and were cut: example.*");
        }
    }

    @Test
    void theBestIsTheOneWithTheHighestAccuracy() throws IOException {
        try (Backend b = Backends.create("reference")) {
            List<Double> seen = new ArrayList<>();
            ClassifierTraining job = job(b, new FullFineTuning());
            Trainer.Outcome outcome = job.run(plan(), null, "base", new TrainingListener() {
                @Override
                public void evaluated(long step, Evaluation evaluation, boolean best) {
                    if (step > 0) {
                        seen.add(evaluation.value());
                    }
                }
            });

            assertThat(outcome.after().value()).isEqualTo(seen.stream().mapToDouble(value -> value).max().orElseThrow());
            assertThat(job.measure().name()).isEqualTo("accuracy");
            assertThat(job.predictDev().labelScores().accuracy()).isEqualTo(outcome.after().value());
        }
    }

    @Test
    void aRegressionThatSaysTheSameOfEveryTextIsMeasuredAsZeroAndGoesOn() throws IOException {
        try (Backend b = Backends.create("reference")) {
            List<LabelledText> alike = IntStream.range(0, 12)
                    .mapToObj(i -> new LabelledText("a film is good", null, Double.toString(i / 2.0))).toList();
            ClassifierTraining job = job(b, new BitFit(), Labels.NUMBER, alike);

            Trainer.Outcome outcome = job.run(plan(), null, "base", TrainingListener.NONE);

            assertThat(outcome.after().value()).isZero();
            assertThat(job.measure().name()).isEqualTo("pearson");
            assertThat(job.predictDev().correlation().pearson()).isNaN();
        }
    }

    @Test
    void otherDataIsAnotherRun() throws IOException {
        try (Backend b = Backends.create("reference")) {
            Path run = folder.resolve("run");
            assertThatThrownBy(() -> job(b, new BitFit()).run(plan(), run, "base", stopAfter(6))).isInstanceOf(StoppedException.class);
            List<LabelledText> other = new ArrayList<>(texts(22));
            other.set(3, new LabelledText("a film is bad", null, "good"));
            ClassifierTraining job = job(b, new BitFit(), TWO, other);

            assertThat(job.isUnfinishedIn(run, plan())).isFalse();
            assertThatThrownBy(() -> job.run(plan(), run, "base", TrainingListener.NONE)).isInstanceOf(LoraException.class)
                    .hasMessageContaining("has data 22 texts");
        }
    }

    @Test
    void whatWasTrainedSaysHowItIsUsed() throws IOException {
        try (Backend b = Backends.create("cpu")) {
            Path run = folder.resolve("run");
            job(b, new LowRankAdaptation(LoraConfig.of(2, 4).withTargets("q,v", List.of()))).run(plan(), run, "base", TrainingListener.NONE);

            Map<String, String> metadata = PeftFormat.metadata(run);
            assertThat(metadata).containsEntry("lora4j.task", "classification").containsEntry("lora4j.length", "12")
                    .containsEntry("lora4j.labels", "[\"bad\",\"good\"]");
        }
    }
}
