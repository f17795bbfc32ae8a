package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
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
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.torch.TorchResources;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraScaling;

/**
 * Adapters of encoders that classify, each family's: from memory to files and back, by way of other formats, merged.
 * {@code tests/golden/peft_classifiers.py} compares them with PEFT.
 */
class EncoderAdaptersTest {

    private static final Labels LABELS = Labels.of(List.of("contradiction", "entailment", "neutral"));
    private static final String SIZES = """
            "vocab_size": 31, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
            "max_position_embeddings": 16, "pad_token_id": 1""";
    private static final Map<String, String> CONFIGS = Map.of(
            "bert", SIZES, "roberta", SIZES + ", \"type_vocab_size\": 1",
            "distilbert", """
                    "vocab_size": 31, "dim": 12, "n_layers": 2, "n_heads": 3, "hidden_dim": 20, "max_position_embeddings": 16""",
            "deberta-v2", SIZES + """
                    , "relative_attention": true, "pos_att_type": ["p2c", "c2p"], "position_buckets": 4, "share_att_key": true,
                    "norm_rel_ebd": "layer_norm", "position_biased_input": false, "type_vocab_size": 0""");

    @TempDir
    Path folder;

    private final Backend backend = Backends.create("reference");
    private final List<String> remarks = new ArrayList<>();

    @AfterEach
    void close() {
        backend.close();
    }

    static Stream<Arguments> familiesAndConfigurations() {
        Map<String, LoraConfig> configs = Map.of(
                "q, v", LoraConfig.of(2, 4).withParts("q", "v"),
                "everything", LoraConfig.of(2, 4).withTargets("all-linear", List.of()),
                "DoRA, rslora, biases", LoraConfig.of(2, 4).withParts("q", "v", "o", "up", "down").withDora(true)
                        .withScaling(LoraScaling.ALPHA_OVER_SQRT_R).withBias(BiasMode.ALL),
                "own biases", LoraConfig.of(2, 4).withParts("k", "up").withBias(BiasMode.LORA_ONLY),
                "patterns", LoraConfig.of(2, 4).withParts("q", "v").withPatterns(Map.of(".*\\.1\\..*", 3), Map.of(".*\\.0\\..*", 9.0)),
                "a layer", LoraConfig.of(2, 4).withParts("q", "v").withPartsInLayers(List.of(1)),
                "words", LoraConfig.of(2, 4).withTargets(TargetSelector.byNames(List.of("word_embeddings"))));
        return CONFIGS.keySet().stream().sorted().flatMap(family -> configs.entrySet().stream()
                .sorted(Map.Entry.comparingByKey()).map(config -> Arguments.of(family, config.getKey(), config.getValue())));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("familiesAndConfigurations")
    void whatIsSavedLoadsConvertsAndMergesToTheSameScores(String family, String name, LoraConfig config) throws IOException {
        Path base = base(family, tensor -> !tensor.startsWith("classifier.") && !tensor.startsWith("pre_classifier."));
        SequenceClassifier model = Families.classifier(base, backend, ClassifierHead.of(LABELS));
        LoraAdapter trained = LoraAdapter.attach(model, config, 1);
        SmallGpt2.randomise(backend, trained.trainable());
        double[] expected = scores(model);
        Path adapter = folder.resolve("adapter");
        PeftFormat.save(trained, adapter, "base", Map.of());
        assertThat(PeftConfig.read(adapter).taskType()).contains("SEQ_CLS");

        assertThat(scores(loaded(base, adapter))).isEqualTo(expected);
        assertThat(remarks).isEmpty();
        if (!config.dora()) {
            Path file = folder.resolve("adapter.pt");
            AdapterFiles.write(AdapterFiles.read(adapter, null), AdapterFormat.LORALIB, file, new ArrayList<>());
            double alpha = LoralibFormat.write(AdapterFiles.read(adapter, null), file, new ArrayList<>());
            AdapterFiles.write(AdapterFiles.read(file, LoralibFormat.Options.alpha(alpha)), AdapterFormat.PEFT,
                    folder.resolve("again"), new ArrayList<>());
            // where B was multiplied it was rounded once more, to a float
            assertClose(scores(loaded(base, folder.resolve("again"))), expected, 1e-6);
        }
        assertClose(scores(merged(base, adapter)), expected, 1e-6); // the merged weights are read as floats
    }

    /** PEFT saves no pooler that it was not told to, and without the base's own the head has learnt to read another one. */
    @Test
    void aPoolerThatNobodyHasIsNamed() throws IOException {
        Path whole = base("bert", tensor -> !tensor.startsWith("classifier."));
        LoraAdapter trained = LoraAdapter.attach(
                Families.classifier(whole, backend, ClassifierHead.of(LABELS)), LoraConfig.of(2, 4).withParts("q"), 1);
        PeftFormat.save(trained, folder.resolve("adapter"), "base", Map.of());
        Path bare = base("bert", tensor -> !tensor.contains("pooler") && !tensor.startsWith("classifier."));
        SequenceClassifier model = Families.classifier(bare, backend, ClassifierHead.forAdapter(folder.resolve("adapter"), bare));
        assertThatThrownBy(() -> AdapterHead.require(model, folder.resolve("adapter"))).isInstanceOf(LoraException.class)
                .hasMessageContaining("holds no pooler.dense, the map before the head, and neither does the base");
        LoraAdapter begun = PeftFormat.load(model, folder.resolve("adapter"), remarks::add);
        assertThat(remarks).singleElement().asString().contains("pooler.dense").contains("until it is trained");
        assertThat(begun.whole().parameters()).containsKeys("bert.pooler.dense.weight", "classifier.weight");
    }

    @Test
    void aNewPoolerIsTrainedSavedAndMergedWithTheHead() throws IOException {
        Path bare = base("bert", tensor -> !tensor.contains("pooler") && !tensor.startsWith("classifier."));
        SequenceClassifier model = Families.classifier(bare, backend, ClassifierHead.of(LABELS));
        LoraAdapter trained = LoraAdapter.attach(model, LoraConfig.of(2, 4).withTargets("all-linear", List.of()), 1);
        assertThat(trained.adaptedModules()).noneMatch(module -> module.contains("pooler"));
        SmallGpt2.randomise(backend, trained.trainable());
        double[] expected = scores(model);
        Path adapter = folder.resolve("adapter");
        PeftFormat.save(trained, adapter, "base", Map.of());
        assertThat(PeftConfig.read(adapter).modulesToSave()).containsExactly("classifier", "score", "pooler.dense");
        SequenceClassifier again = Families.classifier(bare, backend, ClassifierHead.forAdapter(adapter, bare).withSeed(5));
        AdapterHead.require(again, adapter);
        PeftFormat.load(again, adapter);
        assertThat(scores(again)).isEqualTo(expected);
        assertClose(scores(merged(bare, adapter)), expected, 1e-6);
    }

    /** As in PEFT, a name such as dense does not mean what lies in the head, since that is trained as a whole. */
    @Test
    void whatIsCalledAsAMapOfTheHeadIsTheBodys() throws IOException {
        Path base = base("roberta", tensor -> !tensor.startsWith("classifier."));
        SequenceClassifier model = Families.classifier(base, backend, ClassifierHead.of(LABELS));
        LoraAdapter adapter = LoraAdapter.attach(
                model, LoraConfig.of(2, 4).withTargets(TargetSelector.byNames(List.of("dense"))), 1);
        assertThat(adapter.adaptedModules()).hasSize(6).noneMatch(module -> module.startsWith("classifier"));
        assertThat(adapter.trainable()).extracting(Parameter::name)
                .contains("classifier.dense.weight", "classifier.out_proj.bias");
        PeftFormat.save(adapter, folder.resolve("adapter"), "base", Map.of());
        assertThat(PeftConfig.read(folder.resolve("adapter")).field("target_modules")).hasToString("[\"dense\"]");
        assertThat(loaded(base, folder.resolve("adapter")).projections()).hasSize(14);
    }

    // ------------------------------------------------------------------------------------------------ the authors' own

    /** The blocks are as wide as RoBERTa-base, what the adapter does not touch is small. */
    @Test
    void theAuthorsAdapterAttachesToRobertaAndGivesAnswers() throws IOException {
        Path base = folder.resolve("base");
        Path file = TorchResources.copy("roberta_base_lora_mnli.bin", folder);
        StoredAdapter stored = AdapterFiles.read(file, LoralibFormat.Options.alpha(16));
        assertThat(AdapterHead.of(stored)).contains(new AdapterHead(3, Optional.empty()));
        Path adapter = folder.resolve("adapter");
        AdapterFiles.write(stored, AdapterFormat.PEFT, adapter, new ArrayList<>());
        try (Backend cpu = Backends.create("cpu")) {
            write(base, cpu, "roberta", """
                    "vocab_size": 31, "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                    "intermediate_size": 8, "max_position_embeddings": 16, "type_vocab_size": 1, "pad_token_id": 1,
                    "id2label": {"0": "contradiction", "1": "entailment", "2": "neutral"}""", tensor -> !tensor.startsWith("classifier."));
            ClassifierHead head = ClassifierHead.forAdapter(adapter, base);
            assertThat(head.labels()).isEqualTo(LABELS);
            SequenceClassifier model =
                    Families.classifier(base, cpu, head, BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
            double[] before = scores(model);
            AdapterHead.require(model, adapter);
            LoraAdapter loaded = PeftFormat.load(model, adapter, remarks::add);
            assertThat(remarks).isEmpty();
            assertThat(loaded.projections()).hasSize(24);
            assertThat(loaded.parameterCount()).isEqualTo(294_912 + 592_899); // A and B, and the head
            double[] after = scores(model);
            assertThat(after).isNotEqualTo(before).doesNotContain(Double.NaN);
        }
        Path back = folder.resolve("back.bin");
        AdapterFiles.write(AdapterFiles.read(adapter, null), AdapterFormat.LORALIB, back, new ArrayList<>());
        LoralibFormat.Contents original = LoralibFormat.read(file);
        LoralibFormat.Contents again = LoralibFormat.read(back);
        assertThat(again.updates()).hasSameSizeAs(original.updates()).allMatch(update -> original.updates().stream().anyMatch(
                other -> other.module().equals(update.module()) && other.a().sameBits(update.a()) && other.b().sameBits(update.b())));
        assertThat(again.others()).hasSize(4).allMatch(tensor -> original.others().stream().anyMatch(
                other -> other.name().equals(tensor.name()) && other.sameBits(tensor)));
    }

    // ------------------------------------------------------------------------------------------------ helpers

    private Path base(String family, Predicate<String> kept) throws IOException {
        Path base = Files.createTempDirectory(folder, family);
        write(base, backend, family, CONFIGS.get(family), kept);
        return base;
    }

    /** A random model whose file has only the tensors that are kept. */
    private void write(Path base, Backend made, String family, String config, Predicate<String> kept) throws IOException {
        Files.createDirectories(base);
        Files.writeString(base.resolve("config.json"), "{\"model_type\": \"" + family + "\", \"initializer_range\": 0.1, " + config + "}");
        SequenceClassifier random =
                Families.randomClassifier(Families.config(base), LABELS, made, 3, WeightType.FLOAT32);
        Path whole = Files.createTempDirectory(folder, "whole");
        Families.write(random, whole);
        SafetensorsWriter writer = new SafetensorsWriter().metadata("format", "pt");
        try (Safetensors file = Safetensors.open(whole.resolve("model.safetensors"))) {
            file.names().stream().filter(kept).forEach(name -> writer.add(NamedTensor.copyOf(file, name)));
            writer.write(base.resolve("model.safetensors"));
        }
    }

    private SequenceClassifier loaded(Path base, Path adapter) {
        SequenceClassifier model = Families.classifier(base, backend, ClassifierHead.forAdapter(adapter, base).withSeed(9));
        AdapterHead.require(model, adapter);
        PeftFormat.load(model, adapter, remarks::add);
        return model;
    }

    private SequenceClassifier merged(Path base, Path adapter) {
        StoredAdapter stored = AdapterFiles.read(adapter, null);
        ClassifierHead head = ClassifierHead.forAdapter(stored, base);
        SequenceClassifier model = Families.classifier(base, backend, head);
        Path merged = folder.resolve("merged");
        Families.write(model, merged); // for its config.json
        try (ModelTensors tensors = ModelTensors.openClassifier(base, model.names(), !head.anew())) {
            ModelMerger.ofClassifier(tensors, stored, model.names()).write(merged.resolve("model.safetensors"), DType.F64);
        }
        return Families.classifier(merged, backend, ClassifierHead.asStored());
    }

    private static double[] scores(SequenceClassifier model) {
        int[] ids = {3, 10, 4, 7, 5, 9, 2, 6, 30, 1};
        int[] mask = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0};
        LabelledBatch batch = new LabelledBatch(new Batch(2, 5, ids, mask, null, null), null);
        return model.backend().readDoubles(model.scores(batch, Workspace.forInference(model.backend(), 10)));
    }

    private static void assertClose(double[] found, double[] expected, double bound) {
        for (int i = 0; i < expected.length; i++) {
            assertThat(found[i]).isCloseTo(expected[i], within(bound * Math.max(1, Math.abs(expected[i]))));
        }
    }
}
