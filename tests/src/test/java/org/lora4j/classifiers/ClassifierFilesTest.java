package org.lora4j.classifiers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
import org.lora4j.family.SequenceClassifier;
import org.lora4j.fixture.SmallClassifiers;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.io.DType;
import org.lora4j.io.JsonFile;
import org.lora4j.io.NamedTensor;
import org.lora4j.io.Safetensors;
import org.lora4j.io.SafetensorsWriter;
import org.lora4j.io.torch.TorchWriter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;

/** Classifiers of each family as folders hold them: read in every way, written, and refused by name. */
class ClassifierFilesTest {

    private static final Labels LABELS = Labels.of(List.of("no", "yes", "perhaps"));

    @TempDir
    private Path folder;

    private final Backend backend = Backends.create("reference");
    private final List<String> remarks = new ArrayList<>();

    static Stream<String> families() {
        return SmallClassifiers.FAMILIES.stream();
    }

    private SequenceClassifier load(Path model, ClassifierHead head) {
        return Families.classifier(model, backend, head, BaseDropout.NONE, WeightType.FLOAT32, remarks::add);
    }

    private SequenceClassifier load(Path model) {
        return load(model, ClassifierHead.asStored());
    }

    private double[] scores(SequenceClassifier model) {
        return backend.readDoubles(model.scores(SmallClassifiers.batch(model), Workspace.forInference(backend, 21)));
    }

    /** Writes the folder's tensors again under other names; null leaves one out. */
    private void rename(Path model, UnaryOperator<String> names) {
        rewrite(model, name -> Stream.ofNullable(names.apply(name)).toList());
    }

    /** The same, where one may also be there several times. */
    private void rewrite(Path model, Function<String, List<String>> names) {
        Map<String, float[]> values = new LinkedHashMap<>();
        Map<String, Shape> shapes = new LinkedHashMap<>();
        try (Safetensors file = Safetensors.open(model.resolve("model.safetensors"))) {
            for (String name : file.names()) {
                for (String other : names.apply(name)) {
                    values.put(other, file.floats(name));
                    shapes.put(other, file.shape(name));
                }
            }
        }
        SafetensorsWriter writer = new SafetensorsWriter();
        values.forEach((name, numbers) -> writer.addLater(name, DType.F32, shapes.get(name), () -> numbers));
        writer.write(model.resolve("model.safetensors"));
    }

    private static void replace(Path model, String from, String to) throws IOException {
        String text = Files.readString(model.resolve("config.json"));
        assertThat(text).contains(from);
        Files.writeString(model.resolve("config.json"), text.replace(from, to));
    }

    // ------------------------------------------------------------------------------------------------ there and back

    @ParameterizedTest
    @MethodSource("families")
    void whatIsWrittenIsReadAgain(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        SequenceClassifier read = load(model);
        double[] expected = scores(read);
        Families.write(read, folder.resolve("again"));
        SequenceClassifier again = load(folder.resolve("again"));
        assertThat(scores(again)).isEqualTo(expected);
        assertThat(again.labelNames()).containsExactly("no", "yes", "perhaps");
        assertThat(again.paddingId()).isEqualTo(read.paddingId());
        assertThat(again.settings()).isEqualTo(read.settings());
        assertThat(again.hasNewHead()).isFalse();
        assertThat(remarks).isEmpty();
        JsonNode config = JsonFile.read(folder.resolve("again/config.json"));
        assertThat(config.at("/architectures/0").textValue()).endsWith("ForSequenceClassification");
        assertThat(config.at("/id2label/2").textValue()).isEqualTo("perhaps");
        assertThat(config.at("/label2id/yes").intValue()).isEqualTo(1);
        assertThat(config.at("/problem_type").textValue()).isEqualTo("single_label_classification");
        // who goes on training it elsewhere finds the dropouts that it came with
        JsonNode before = JsonFile.read(model.resolve("config.json"));
        before.properties().stream().filter(field -> field.getKey().matches(".*(drop|pdrop).*"))
                .forEach(field -> assertThat(config.get(field.getKey())).as(field.getKey()).isEqualTo(field.getValue()));
    }

    @ParameterizedTest
    @MethodSource("families")
    void aRegressionIsWrittenAsOne(String family) {
        SequenceClassifier read = load(SmallClassifiers.write(family, Labels.NUMBER, folder));
        assertThat(read.answers()).isEqualTo(Labels.NUMBER);
        assertThat(read.labelNames()).isEmpty();
        assertThat(JsonFile.read(folder.resolve(family).resolve("config.json")).at("/problem_type").textValue())
                .isEqualTo("regression");
    }

    @ParameterizedTest
    @MethodSource("families")
    void dropoutIsAsTheConfigurationSaysUnlessTheCallerSaysOtherwise(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        double without = trainingLoss(model, BaseDropout.NONE);
        double configured = trainingLoss(model, BaseDropout.CONFIGURED);
        assertThat(configured).isNotEqualTo(without);
        if (!family.equals("gpt2")) { // whose head has no dropout, and whose embeddings have one of their own
            assertThat(trainingLoss(model, new BaseDropout(0.15, 0.25, 0.35))).isEqualTo(configured);
            assertThat(trainingLoss(model, BaseDropout.CONFIGURED.withHead(0))).isNotEqualTo(configured);
        }
    }

    private double trainingLoss(Path folder, BaseDropout dropout) {
        SequenceClassifier model = Families.classifier(
                folder, backend, ClassifierHead.asStored(), dropout, WeightType.FLOAT32, remark -> { });
        return model.lossAndGradients(SmallClassifiers.batch(model), 1, 0, 3, Workspace.forTraining(backend, 21, 7));
    }

    @ParameterizedTest
    @CsvSource({"BF16, 0.02", "INT8, 0.05"}) // 8 bits of a mantissa, and of a row: a few roundings of 2⁻⁹ and 2⁻⁸
    void theBodysMatricesMayBeHeldInASmallerType(WeightType type, double bound) {
        try (Backend cpu = Backends.create("cpu")) {
            for (String family : SmallClassifiers.FAMILIES) {
                Path model = SmallClassifiers.write(family, LABELS, folder);
                double[] exact = scores(load(model));
                SequenceClassifier rounded =
                        Families.classifier(model, cpu, ClassifierHead.asStored(), BaseDropout.NONE, type, remark -> { });
                double[] scores = cpu.readDoubles(
                        rounded.scores(SmallClassifiers.batch(rounded), Workspace.forInference(cpu, 21)));
                double largest = Arrays.stream(exact).map(Math::abs).max().orElseThrow();
                double error = IntStream.range(0, scores.length).mapToDouble(i -> Math.abs(scores[i] - exact[i])).max().orElseThrow();
                assertThat(error / largest).as(family).isBetween(1e-6, bound);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ names of tensors

    @ParameterizedTest
    @MethodSource("families")
    void theBodysPrefixMayBeMissing(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        double[] expected = scores(load(model));
        String prefix = load(model).names().bodyPrefix();
        rename(model, name -> name.startsWith(prefix) ? name.substring(prefix.length()) : name);
        assertThat(scores(load(model))).isEqualTo(expected);
        rename(model, name -> "module." + name);
        assertThat(scores(load(model))).isEqualTo(expected);
        assertThat(remarks).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"bert", "roberta"})
    void oldNamesOfNormsAreUnderstood(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        double[] expected = scores(load(model));
        rename(model, name -> name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"));
        assertThat(scores(load(model))).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("families")
    void whatPyTorchWroteBeforeSafetensorsIsReadToo(String family) throws IOException {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        double[] expected = scores(load(model));
        TorchWriter writer = new TorchWriter("pytorch_model");
        try (Safetensors file = Safetensors.open(model.resolve("model.safetensors"))) {
            file.names().forEach(name -> writer.add(new NamedTensor(name, file.dtype(name), file.shape(name), file.bytes(name))));
            writer.write(model.resolve("pytorch_model.bin"));
        }
        Files.delete(model.resolve("model.safetensors"));
        assertThat(scores(load(model))).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("families")
    void aTensorThatIsMissingOrUnexpectedIsNamed(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        String map = load(model).projections().getFirst().name();
        String weight = map + ".weight";
        rewrite(model, name -> name.equals(weight) ? List.of(name, map + ".lora_A") : List.of(name));
        assertThatThrownBy(() -> load(model)).isInstanceOf(LoraException.class)
                .hasMessageContaining("has tensors that a").hasMessageContaining("does not have: " + map + ".lora_A");
        rename(model, name -> name.equals(weight) || name.endsWith("lora_A") ? null : name);
        assertThatThrownBy(() -> load(model)).isInstanceOf(LoraException.class).hasMessageContaining("has no tensor '" + weight);
    }

    // ------------------------------------------------------------------------------------------------ heads

    @ParameterizedTest
    @MethodSource("families")
    void aFolderWithoutAHeadGivesANewOneAndSaysSo(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        SequenceClassifier stored = load(model);
        rename(model, name -> stored.names().isOfClassifier(name) ? null : name);
        SequenceClassifier fresh = load(model);
        assertThat(fresh.hasNewHead()).isTrue();
        assertThat(fresh.labelNames()).containsExactly("no", "yes", "perhaps");
        assertThat(remarks).singleElement().asString().contains("has no head that classifies sequences")
                .contains("3 labels (no, yes and perhaps)").contains("at random");
        assertThat(scores(load(model))).isEqualTo(scores(fresh));
        assertThat(scores(load(model, ClassifierHead.asStored().withSeed(5)))).isNotEqualTo(scores(fresh));
        assertThat(load(model, ClassifierHead.of(Labels.numbered(5))).labels()).isEqualTo(5);
        assertThat(load(model, ClassifierHead.of(Labels.NUMBER)).labels()).isEqualTo(1);
        // biases of a new head are 0 and its weights have the configuration's deviation, 0.02
        fresh.parameters().stream().filter(parameter -> fresh.names().isOfClassifier(parameter.name())).forEach(parameter -> {
            double[] values = backend.readDoubles(parameter.value());
            assertThat(Arrays.stream(values).map(Math::abs).max().orElseThrow()).as(parameter.name())
                    .isLessThan(parameter.name().endsWith("bias") ? Double.MIN_VALUE : 0.1);
        });
    }

    @ParameterizedTest
    @MethodSource("families")
    void theHeadOfAnotherTaskIsLeftOutOnlyWhereANewOneIsAskedFor(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        Labels other = Labels.of(List.of("cat", "dog"));
        assertThatThrownBy(() -> load(model, ClassifierHead.of(other))).isInstanceOf(LoraException.class).hasMessage(model
                + ": has a head for 3 labels (no, yes and perhaps), asked for one for 2 labels (cat and dog). Set `newHead` to "
                + "leave it out and begin with a new one");
        assertThatThrownBy(() -> load(model, ClassifierHead.of(List.of("a", "b", "c")))).hasMessageContaining("newHead");
        assertThatThrownBy(() -> load(model, ClassifierHead.of(Labels.NUMBER))).hasMessageContaining("for a number");
        SequenceClassifier renewed = load(model, ClassifierHead.of(other).renewed());
        assertThat(renewed.labelNames()).containsExactly("cat", "dog");
        assertThat(renewed.hasNewHead()).isTrue();
        assertThat(remarks).isEmpty();
        // the same labels in another order are the folder's, in its order
        assertThat(load(model, ClassifierHead.of(List.of("perhaps", "no", "yes"))).labelNames()).containsExactly("no", "yes", "perhaps");
        assertThat(load(model, ClassifierHead.of(Labels.numbered(3))).labelNames()).containsExactly("no", "yes", "perhaps");
    }

    @Test
    void labelsWithoutNamesTakeTheCallers() {
        Path model = SmallClassifiers.write("bert", Labels.numbered(2), folder);
        assertThat(load(model).labelNames()).containsExactly("LABEL_0", "LABEL_1");
        assertThat(load(model, ClassifierHead.of(List.of("bad", "good"))).labelNames()).containsExactly("bad", "good");
    }

    @ParameterizedTest
    @CsvSource({"bert, cls.predictions.transform.dense.weight", "bert, cls.seq_relationship.bias", "roberta, lm_head.dense.weight",
        "roberta, pooler.dense.weight", "roberta, roberta.pooler.dense.weight", "distilbert, vocab_transform.weight",
        "distilbert, qa_outputs.bias", "gpt2, lm_head.weight"})
    void headsOfOtherKindsAreLeftOutWithARemark(String family, String tensor) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        double[] expected = scores(load(model));
        String first = load(model).parameters().getFirst().name();
        rewrite(model, name -> name.equals(first) ? List.of(name, tensor) : List.of(name));
        assertThat(scores(load(model))).isEqualTo(expected);
        assertThat(remarks).singleElement().asString().endsWith(": " + tensor + " belongs to a head of another kind and is left out");
    }

    @Test
    void aLanguageModelIsABodyForAClassifier() {
        Families.write(SmallGpt2.of(SmallGpt2.UNTIED, backend), folder.resolve("gpt"));
        SequenceClassifier model = load(folder.resolve("gpt"), ClassifierHead.of(LABELS));
        assertThat(model.hasNewHead()).isTrue();
        assertThat(remarks).hasSize(2);
        assertThat(remarks.getFirst()).contains("lm_head.weight belongs to a head of another kind and is left out");
    }

    @Test
    void aHeadThatLabelsTokensIsNotTakenForOneOfSequences() throws IOException {
        Path model = SmallClassifiers.write("bert", LABELS, folder);
        replace(model, "\"model_type\"", "\"architectures\": [\"BertForTokenClassification\"], \"model_type\"");
        assertThat(load(model).hasNewHead()).isTrue();
        assertThat(remarks).hasSize(2);
    }

    // ------------------------------------------------------------------------------------------------ refusals

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "bert | \"pad_token_id\": 0 | \"is_decoder\": true | is_decoder is true",
        "bert | \"pad_token_id\": 0 | \"add_cross_attention\": true | add_cross_attention is true",
        "bert | \"pad_token_id\": 0 | \"position_embedding_type\": \"relative_key\" | position_embedding_type is 'relative_key'",
        "bert | \"pad_token_id\": 0 | \"hidden_act\": \"mish\" | hidden_act is 'mish'",
        "bert | \"pad_token_id\": 0 | \"pad_token_id\": 13 | pad_token_id is 13, expected a token of the vocabulary, 0 to 12",
        "bert | \"num_attention_heads\": 2 | \"num_attention_heads\": 3 | 3 heads do not divide a width of 8",
        "bert | \"hidden_size\": 8 | \"hidden_size\": \"8\" | 'hidden_size'",
        "roberta | \"pad_token_id\": 1 | \"pad_token_id\": null | pad_token_id is null",
        "roberta | \"hidden_dropout_prob\": 0.15 | \"hidden_dropout_prob\": 1 | 'hidden_dropout_prob' is 1.0",
        "bert | single_label_classification | multi_label_classification | several labels for one sequence cannot be learnt yet",
        "gpt2 | single_label_classification | regression | problem_type is \"regression\" with 3 labels",
        "distilbert | single_label_classification | ranking | problem_type is 'ranking'",
        "distilbert | \"2\" : \"perhaps\" | \"3\" : \"perhaps\" | id2label has no name for 2",
        "distilbert | \"2\" : \"perhaps\" | \"2\" : \"yes\" | id2label calls two labels 'yes'",
        "gpt2 | \"num_labels\" : 3 | \"num_labels\" : 4 | num_labels is 4 and id2label has 3 names"})
    void whatWouldBeComputedOtherwiseIsRefusedByName(String family, String from, String to, String message) throws IOException {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        replace(model, from, to);
        assertThatThrownBy(() -> load(model)).isInstanceOf(LoraException.class).hasMessageContaining("config.json")
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({"bert", "roberta", "distilbert"})
    void anEncoderDoesNotWrite(String family) {
        Path model = SmallClassifiers.write(family, LABELS, folder);
        assertThatThrownBy(() -> Families.load(model, backend)).isInstanceOf(LoraException.class)
                .hasMessageContaining("reads texts and does not write them");
    }

    @Test
    void tokensTypesLengthsAndLabelsThatAreNotTheModelsAreNamed() {
        SequenceClassifier model = load(SmallClassifiers.write("bert", LABELS, folder));
        Workspace ws = Workspace.forInference(backend, 21);
        assertThatThrownBy(() -> model.scores(one(new int[] {4, 13}, null), ws)).isInstanceOf(LoraException.class)
                .hasMessageContaining("token 13 is outside the model's vocabulary of 13 tokens (0 to 12)");
        assertThatThrownBy(() -> model.scores(one(new int[] {4, 5}, new int[] {0, 2}), ws))
                .hasMessageContaining("token type 2 is outside the model's 2 (0 to 1)");
        assertThatThrownBy(() -> model.scores(one(new int[10], null), ws)).hasMessageContaining(
                "a sequence of 10 tokens is longer than the model's position table of 9");
        Batch batch = one(new int[] {4, 5}, null).sequences();
        assertThatThrownBy(() -> model.loss(new LabelledBatch(batch, new double[] {3}), 0, ws))
                .hasMessageContaining("label 3: expected the number of a class, 0 to 2");
        assertThatThrownBy(() -> model.loss(new LabelledBatch(batch, new double[] {0.5}), 0, ws)).hasMessageContaining("label 0.5");
        assertThatThrownBy(() -> model.loss(new LabelledBatch(batch, null), 0, ws)).hasMessageContaining("no labels");
    }

    private static LabelledBatch one(int[] ids, int[] types) {
        return new LabelledBatch(new Batch(1, ids.length, ids, null, types, null), null);
    }

    // ------------------------------------------------------------------------------------------------ sizes

    @ParameterizedTest
    @CsvSource({"bert-base-uncased, 109482240, 512", "bert-large-uncased, 335141888, 512", "roberta-base, 124055040, 512",
        "roberta-large, 354310144, 512", "distilbert-base-uncased, 66362880, 512"})
    void theWellKnownOnesHaveTheirSizes(String name, long parameters, int positions) {
        assertThat(Families.shape(name).parameterCount()).isEqualTo(parameters);
        assertThat(Families.shape(name).sizes().positions()).isEqualTo(positions);
    }
}
