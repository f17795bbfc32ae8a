package org.lora4j.gradient;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
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
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** Every gradient of whole classifiers on the reference backend: of their loss, with everything that may drop dropping. */
class ClassifierGradientTest {

    /** As for language models, see {@link WholeModelGradientTest}. */
    private static final double BOUND = 1e-9;
    /** Gradients that pass through a score of distances are a tenth of others', and the loss's rounding errors are as large. */
    private static final double BOUND_OF_DISTANCES = 1e-8;

    @TempDir
    private Path folder;

    private final Backend backend = Backends.create("reference");

    static Stream<Arguments> kinds() {
        return SmallClassifiers.FAMILIES.stream().flatMap(family -> Stream.of(
                Arguments.of(family, Labels.of(List.of("no", "yes", "perhaps"))), Arguments.of(family, Labels.NUMBER)));
    }

    private SequenceClassifier model(String family, Labels labels, BaseDropout dropout) {
        Path base = SmallClassifiers.write(family, labels, folder);
        SequenceClassifier model = Families.classifier(
                base, backend, ClassifierHead.asStored(), dropout, WeightType.FLOAT32, remark -> { });
        SmallClassifiers.randomise(backend, model.parameters());
        return model;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void fullFineTuning(String family, Labels labels) {
        for (BaseDropout dropout : List.of(BaseDropout.NONE, new BaseDropout(0.2, 0.1, 0.3))) {
            SequenceClassifier model = model(family, labels, dropout);
            model.parameters().forEach(Parameter::trainCopy);
            check(model, model.parameters());
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void loraWithTheHead(String family, Labels labels) {
        SequenceClassifier model = model(family, labels, new BaseDropout(0.2, 0.1, 0.3));
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(2, 3).withDropout(0.2).withBias(BiasMode.ALL)
                .withTargets(TargetSelector.byExpression("all-linear")), 5);
        SmallClassifiers.randomise(backend, adapter.trainable());
        assertThat(adapter.whole().parameters().keySet()).anyMatch(name -> model.names().isOfClassifier(name));
        check(model, adapter.trainable());
    }

    private void check(SequenceClassifier model, List<Parameter> trainable) {
        List<Parameter> checked = new ArrayList<>(trainable); // a bias of keys has no or hardly any effect on a softmax
        checked.removeIf(parameter -> parameter.name().matches(".*(\\.key|k_lin|key_proj)\\.bias"));
        LabelledBatch batch = SmallClassifiers.batch(model);
        new GradientCheck<>(model, batch, batch.size(), model.answers().regression() ? 0 : 0.1, 3).requireWithin(
                checked.stream().anyMatch(parameter -> parameter.name().contains("pos_")) ? BOUND_OF_DISTANCES : BOUND, checked);
    }

    /** What is made again for backward is the same, bit for bit, and so is dropout. */
    @ParameterizedTest
    @MethodSource("kinds")
    void activationsThatAreMadeAgainGiveTheSameBits(String family, Labels labels) {
        SequenceClassifier model = model(family, labels, new BaseDropout(0.2, 0.1, 0.3));
        model.parameters().forEach(Parameter::trainCopy);
        LabelledBatch batch = SmallClassifiers.batch(model);
        Workspace ws = Workspace.forTraining(backend, batch.sequences().inputIds().length, 7);
        List<double[]> kept = gradients(model, batch, ws);
        List<double[]> again = gradients(model, batch, ws.recomputing());
        for (int i = 0; i < kept.size(); i++) {
            assertThat(again.get(i)).as(model.parameters().get(i).name()).isEqualTo(kept.get(i));
        }
    }

    private List<double[]> gradients(SequenceClassifier model, LabelledBatch batch, Workspace ws) {
        model.parameters().forEach(Parameter::clearGradient);
        model.lossAndGradients(batch, 1.0 / batch.size(), 0, 3, ws);
        return model.parameters().stream().map(parameter -> backend.readDoubles(parameter.gradient())).toList();
    }

    /** Padding is read where nothing masks it, and its rows of the tables of tokens and positions do not learn. */
    @ParameterizedTest
    @MethodSource("kinds")
    void thePaddingsRowsDoNotLearn(String family, Labels labels) {
        SequenceClassifier model = model(family, labels, BaseDropout.NONE);
        model.parameters().forEach(Parameter::trainCopy);
        Batch masked = SmallClassifiers.batch(model).sequences();
        Batch seen = new Batch(masked.size(), masked.length(), masked.inputIds(), null, masked.tokenTypeIds(), null);
        LabelledBatch batch = new LabelledBatch(seen, SmallClassifiers.batch(model).labels());
        gradients(model, batch, Workspace.forTraining(backend, seen.inputIds().length, 7));
        int padding = model.paddingId();
        for (Parameter parameter : model.parameters()) {
            boolean table = parameter.name().endsWith("word_embeddings.weight")
                    || family.equals("roberta") && parameter.name().endsWith("position_embeddings.weight");
            if (table) {
                double[] row = new double[parameter.shape().dim(1)];
                backend.read(parameter.gradient(), (long) padding * row.length, row, 0, row.length);
                assertThat(row).as(parameter.name()).containsOnly(0);
            }
        }
    }
}
