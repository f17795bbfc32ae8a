package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.ModelTensors;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.io.DType;
import org.lora4j.io.NamedTensor;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.Shape;
import org.lora4j.tuning.BitFit;
import org.lora4j.tuning.TopBlocks;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** The head that an adapter of a classifier brings along, on a base that has none of its own. */
class AdapterHeadTest {

    private static final String HEAD = "base_model.model.score.weight";
    private static final Labels LABELS = Labels.of(List.of("bad", "so so", "good"));
    private static final LoraConfig Q_AND_V = LoraConfig.of(2, 4).withParts("q", "v");

    @TempDir
    Path folder;

    private final Backend backend = Backends.create("reference");
    private final List<String> remarks = new ArrayList<>();
    private Path base;
    private Path adapter;

    @BeforeEach
    void makeABaseAndAnAdapterOfAClassifierOnIt() {
        base = folder.resolve("base");
        adapter = folder.resolve("adapter");
        Families.write(SmallGpt2.of(SmallGpt2.TIED, backend), base);
        SequenceClassifier model = Families.classifier(base, backend, ClassifierHead.of(LABELS));
        LoraAdapter trained = LoraAdapter.attach(model, Q_AND_V, 1);
        SmallGpt2.randomise(backend, trained.trainable());
        PeftFormat.save(trained, adapter, "base", Map.of());
    }

    @Test
    void whatIsSavedIsWhatPeftSavesAndTheNamesOfTheLabels() {
        PeftConfig config = PeftConfig.read(adapter);
        assertThat(config.taskType()).contains("SEQ_CLS");
        assertThat(config.modulesToSave()).containsExactly("classifier", "score");
        assertThat(AdapterFiles.read(adapter, null).tensors()).extracting(NamedTensor::name).contains(HEAD);
        assertThat(AdapterHead.of(adapter, classifier().names()))
                .contains(new AdapterHead(3, Optional.of(List.of("bad", "so so", "good"))));
        assertThat(AdapterHead.of(AdapterFiles.read(adapter, null)).orElseThrow().answers())
                .isEqualTo("3 labels (bad, so so and good)");
    }

    @Test
    void theHeadIsTheAdaptersWhateverTheBaseBeganWith() {
        double[] expected = scores(loaded(classifier()));
        SequenceClassifier other = Families.classifier(base, backend, ClassifierHead.of(LABELS).withSeed(7));
        assertThat(scores(other)).isNotEqualTo(scores(classifier()));
        assertThat(scores(loaded(other))).isEqualTo(expected);
        assertThat(remarks).isEmpty();
        assertThatCode(() -> AdapterHead.require(other, adapter)).doesNotThrowAnyException();
    }

    @Test
    void theBaseIsLoadedWithTheLabelsThatTheAdapterHas() {
        assertThat(ClassifierHead.forAdapter(adapter, base).labels()).isEqualTo(LABELS);
        rewrite(tensors -> tensors, config -> config, Map.of()); // as PEFT would write it, without our metadata
        assertThat(ClassifierHead.forAdapter(adapter, base).labels()).isEqualTo(Labels.numbered(3));
        SequenceClassifier named = Families.classifier(base, backend, ClassifierHead.of(LABELS));
        Path whole = folder.resolve("whole");
        Families.write(named, whole);
        assertThat(ClassifierHead.forAdapter(adapter, whole).labels()).isEqualTo(LABELS);
        withoutHead();
        assertThat(ClassifierHead.forAdapter(adapter, base)).isEqualTo(ClassifierHead.asStored());
    }

    @Test
    void anAdapterWithoutAHeadOnABaseWithoutOneSaysSo() {
        withoutHead();
        SequenceClassifier model = classifier();
        assertThatThrownBy(() -> AdapterHead.require(model, adapter)).isInstanceOf(LoraException.class)
                .hasMessageContaining("holds no classification head (score), and neither does the base")
                .hasMessageContaining("noise").hasMessageContaining("SEQ_CLS");
        LoraAdapter begun = loaded(model);
        assertThat(remarks).singleElement().asString().contains("holds no classification head").contains("until it is trained");
        assertThat(begun.whole().parameters()).containsOnlyKeys("score.weight"); // and training goes on with it
    }

    @Test
    void anAdapterWithoutAHeadUsesTheBases() {
        Path whole = folder.resolve("whole");
        Families.write(classifier(), whole);
        withoutHead();
        SequenceClassifier model = Families.classifier(whole, backend, ClassifierHead.asStored());
        double[] before = scores(model);
        AdapterHead.require(model, adapter);
        double[] with = scores(loaded(model));
        assertThat(remarks).isEmpty();
        assertThat(with).isNotEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 5})
    void aHeadForOtherLabelsIsNamedWithBoth(int labels) {
        SequenceClassifier other = Families.classifier(base, backend, ClassifierHead.of(Labels.numbered(labels)));
        double[] before = scores(other);
        assertThatThrownBy(() -> loaded(other)).isInstanceOf(LoraException.class)
                .hasMessageContaining("its head is for 3 labels (bad, so so and good), and this GPT-2 is loaded for " + labels + " labels");
        assertThat(scores(other)).isEqualTo(before);
        SequenceClassifier number = Families.classifier(base, backend, ClassifierHead.of(Labels.NUMBER));
        assertThatThrownBy(() -> loaded(number)).hasMessageContaining("is loaded for a number");
    }

    @Test
    void labelsInAnotherOrderAreARemark() {
        loaded(Families.classifier(base, backend, ClassifierHead.of(List.of("good", "so so", "bad"))));
        assertThat(remarks).singleElement().asString().contains("3 labels (bad, so so and good)", "3 labels (good, so so and bad)");
        remarks.clear();
        loaded(Families.classifier(base, backend, ClassifierHead.of(Labels.numbered(3))));
        assertThat(remarks).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"TOKEN_CLS, a label for each token", "QUESTION_ANS, the place of an answer", "SEQ_2_SEQ_LM, a decoder"})
    void headsOfOtherKindsAreRefusedByName(String type, String what) {
        rewrite(tensors -> tensors, config -> config.with("task_type", type), Map.of());
        assertThatThrownBy(() -> loaded(classifier())).isInstanceOf(LoraException.class)
                .hasMessageContaining("task_type is " + type).hasMessageContaining(what);
    }

    /** PEFT appends both names each time it loads and saves; adapters that went through it often have them often. */
    @Test
    void modulesThatAreNamedTwiceAreTrainedOnce() {
        double[] expected = scores(loaded(classifier()));
        rewrite(tensors -> tensors, config -> config.with("modules_to_save",
                List.of("classifier", "score", "classifier", "score")), Map.of());
        SequenceClassifier model = classifier();
        LoraAdapter again = loaded(model);
        assertThat(scores(model)).isEqualTo(expected);
        assertThat(again.wholeNames()).containsExactly("classifier", "score");
    }

    @ParameterizedTest
    @ValueSource(strings = {"score.modules_to_save.weight", "score.modules_to_save.default.weight", "_orig_mod.score.weight",
        "module.score.weight", "score._orig_mod.weight"})
    void olderNamesOfTheHeadAreTodays(String name) {
        double[] expected = scores(loaded(classifier()));
        rewrite(tensors -> tensors.stream().map(
                tensor -> tensor.name().equals(HEAD) ? tensor.as(HEAD.replace("score.weight", name)) : tensor).toList(),
                config -> config, Map.of());
        assertThat(scores(loaded(classifier()))).isEqualTo(expected);
        assertThat(AdapterHead.of(adapter, classifier().names())).isPresent();
    }

    @Test
    void whatTheHeadWasBeforeIsPassedOver() {
        double[] expected = scores(loaded(classifier()));
        rewrite(tensors -> Stream.concat(tensors.stream().map(tensor -> tensor.name().equals(HEAD)
                        ? tensor.as(HEAD.replace("score.", "score.modules_to_save.default.")) : tensor),
                Stream.of(zeros(HEAD.replace("score.", "score.original_module."), 3))).toList(), config -> config, Map.of());
        assertThat(scores(loaded(classifier()))).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[\"a\", \"b\"]", "[\"a\", \"a\", \"b\"]", "[1, 2, 3]", "a, b, c", "{\"a\": 1}", "[\"a\", null, \"c\"]"})
    void namesThatDoNotFitTheHeadAreAnErrorOfTheFile(String names) {
        rewrite(tensors -> tensors, config -> config, Map.of(PeftFormat.LABELS, names));
        assertThatThrownBy(() -> loaded(classifier())).isInstanceOf(LoraException.class).hasMessageContaining("its metadata");
    }

    @Test
    void trainingWithBiasesFindsTheHeadOnce() {
        SequenceClassifier model = classifier();
        LoraAdapter all = LoraAdapter.attach(model, Q_AND_V.withBias(BiasMode.ALL).withDora(true), 1);
        SmallGpt2.randomise(backend, all.trainable());
        double[] expected = scores(model);
        PeftFormat.save(all, folder.resolve("all"), "base", Map.of());
        all.detach();
        PeftFormat.load(model, folder.resolve("all"));
        assertThat(scores(model)).isEqualTo(expected);
    }

    /** PEFT's rule: what is in a module to save is no target, whatever the list of targets says. */
    @Test
    void theHeadIsNoTarget() {
        SequenceClassifier model = classifier();
        LoraAdapter everything = LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets("all-linear", List.of()), 1);
        assertThat(everything.adaptedModules()).noneMatch(name -> name.startsWith("score")).hasSize(8);
        everything.detach();
        assertThatThrownBy(() -> LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets(
                TargetSelector.byNames(List.of("score", "c_attn"))), 1)).hasMessageContaining("score is to be trained as a whole");
        assertThat(model.parameters()).noneMatch(Parameter::isTrainable);
    }

    @Test
    void everyMethodTrainsTheHead() {
        SequenceClassifier model = classifier();
        Tuning biases = new BitFit().attach(model, 0);
        assertThat(biases.trainable()).extracting(Parameter::name).contains("score.weight").doesNotContain("transformer.wte.weight");
        biases.detach();
        Tuning top = new TopBlocks(1).attach(model, 0);
        assertThat(top.trainable()).extracting(Parameter::name).contains("score.weight", "transformer.h.1.mlp.c_fc.weight")
                .noneMatch(name -> name.contains(".h.0."));
        top.detach();
    }

    // ------------------------------------------------------------------------------------------------ without a model

    @Test
    void byWayOfLoralibItIsTheSame() {
        List<String> told = new ArrayList<>();
        Path file = folder.resolve("adapter.pt");
        AdapterFiles.write(AdapterFiles.read(adapter, null), AdapterFormat.LORALIB, file, told);
        StoredAdapter back = AdapterFiles.read(file, LoralibFormat.Options.alpha(4));
        assertThat(back.config().taskType()).contains("SEQ_CLS");
        assertThat(back.config().modulesToSave()).containsExactly("score");
        SequenceClassifier model = classifier();
        PeftFormat.load(model, file, back.config(), back.source(), remarks::add);
        double[] found = scores(model);
        assertThat(found).isEqualTo(scores(loaded(classifier())));
    }

    @Test
    void mergedItIsTheHeadOfTheModelWhateverTheBaseHas() {
        double[] expected = scores(loaded(classifier()));
        Path other = folder.resolve("other");
        Families.write(Families.classifier(base, backend, ClassifierHead.of(Labels.numbered(5))), other);
        for (Path from : List.of(base, other)) {
            Path merged = folder.resolve("merged");
            Families.write(classifier(), merged); // for its config.json
            try (ModelTensors tensors = ModelTensors.openClassifier(from, classifier().names(), true)) {
                ModelMerger merger = ModelMerger.ofClassifier(tensors, AdapterFiles.read(adapter, null), classifier().names());
                assertThat(merger.hasClassifier()).isTrue();
                assertThat(merger.unties()).isFalse();
                merger.write(merged.resolve("model.safetensors"), DType.F64);
            }
            double[] found = scores(Families.classifier(merged, backend, ClassifierHead.asStored()));
            // the merged weights are read as floats, each off by up to 2⁻²⁴ of itself
            for (int i = 0; i < found.length; i++) {
                assertThat(found[i]).isCloseTo(expected[i], within(1e-7));
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ helpers

    private SequenceClassifier classifier() {
        return Families.classifier(base, backend, ClassifierHead.of(LABELS), BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
    }

    private LoraAdapter loaded(SequenceClassifier model) {
        return PeftFormat.load(model, adapter, remarks::add);
    }

    /** With the adapter in the model it was loaded into. */
    private double[] scores(LoraAdapter loaded) {
        return scores((SequenceClassifier) loaded.model());
    }

    private double[] scores(SequenceClassifier model) {
        Batch sequences = new Batch(2, 4, new int[] {3, 1, 4, 1, 5, 9, 2, 6}, null, null, null);
        return backend.readDoubles(model.scores(new LabelledBatch(sequences, null), Workspace.forInference(backend, 8)));
    }

    private void withoutHead() {
        rewrite(tensors -> tensors.stream().filter(tensor -> !tensor.name().equals(HEAD)).toList(),
                config -> config.with("task_type", null).with("modules_to_save", null), Map.of());
    }

    private void rewrite(
            UnaryOperator<List<NamedTensor>> tensors, UnaryOperator<PeftConfig> config, Map<String, String> labels) {
        StoredAdapter stored = AdapterFiles.read(adapter, null);
        Map<String, String> metadata = new LinkedHashMap<>(stored.metadata());
        metadata.remove(PeftFormat.LABELS);
        metadata.putAll(labels);
        AdapterFiles.write(new StoredAdapter(stored.path(), config.apply(stored.config()), tensors.apply(stored.tensors()), metadata),
                AdapterFormat.PEFT, adapter, new ArrayList<>());
    }

    private static NamedTensor zeros(String name, int rows) {
        return NamedTensor.of(name, DType.F32, Shape.of(rows, 8), new double[rows * 8]);
    }
}
