package org.lora4j.classifiers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.CountingBackend;
import org.lora4j.backend.ForwardingBackend;
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
import org.lora4j.nn.Tap;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** Of a classifier's last block only the rows that its head reads are computed, and nothing else changes. */
class ReadRowsTest {

    private static final Labels LABELS = Labels.of(List.of("no", "yes", "perhaps"));
    /** Whoever watches sees all rows. */
    private static final Tap WATCHER = new Tap() {
        @Override
        public void value(String place, Tensor value) {
        }

        @Override
        public void gradient(String place, Tensor gradient) {
        }
    };

    /** Of doubles: sums of fewer than a hundred terms each, in another order. */
    private static final double ROUNDING = 1e-13;

    @TempDir
    private Path folder;

    private final List<Integer> queries = new ArrayList<>();
    private final Backend backend = new ForwardingBackend(Backends.create("reference")) {
        @Override
        public void attention(Attention in, AttentionOutput out) {
            queries.add(in.shape().queries());
            super.attention(in, out);
        }
    };

    static Stream<String> encoders() {
        return SmallClassifiers.FAMILIES.stream();
    }

    @ParameterizedTest
    @MethodSource("encoders")
    void theRestOfTheRowsMakesNoDifference(String family) {
        SequenceClassifier model = Families.classifier(SmallClassifiers.write(family, LABELS, folder), backend,
                ClassifierHead.asStored(), BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
        SmallClassifiers.randomise(backend, model.parameters());
        requireSame(model, SmallClassifiers.batch(model), true);
        requireSame(model, turned(SmallClassifiers.batch(model)), !family.startsWith("deberta")); // whose padding hides queries
    }

    /** A decoder's row is that of the last token, which sees the earlier ones, or those of a window. */
    @ParameterizedTest
    @ValueSource(strings = {"llama_qv", "mistral_window", "gemma3_full", "qwen3_full", "phi3_full"})
    void decodersReadTheirLastTokens(String name) {
        SequenceClassifier model = Families.classifier(Path.of("src/test/resources/decoders", name, "model"), backend,
                ClassifierHead.of(LABELS), BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
        SmallClassifiers.randomise(backend, model.parameters());
        LabelledBatch batch = SmallClassifiers.batch(model);
        requireSame(model, batch, true);
        requireSame(model, turned(batch), true);
    }

    /** @param alone whether one row of each sequence is computed alone */
    private void requireSame(SequenceClassifier model, LabelledBatch batch, boolean alone) {
        model.parameters().forEach(Parameter::trainCopy);
        int length = batch.sequences().length();
        List<double[]> all = pass(model, batch, true);
        assertThat(queries).containsOnly(length);
        int blocks = queries.size();
        queries.clear();
        List<double[]> few = pass(model, batch, false);
        assertThat(queries).hasSize(blocks).last().isEqualTo(alone ? 1 : length);
        assertThat(queries.subList(0, blocks - 1)).allMatch(count -> count == length);
        queries.clear();
        for (int i = 0; i < all.size(); i++) {
            String name = i == 0 ? "loss" : model.parameters().get(i - 1).name();
            double largest = Math.max(1e-3, Arrays.stream(all.get(i)).map(Math::abs).max().orElseThrow());
            assertThat(few.get(i)).as(name).containsExactly(all.get(i), within(ROUNDING * largest));
        }
        model.parameters().forEach(Parameter::restore);
    }

    /** The loss and every gradient. */
    private List<double[]> pass(SequenceClassifier model, LabelledBatch batch, boolean watched) {
        Workspace ws = Workspace.forGradients(backend, 21);
        ws.watch(watched ? WATCHER : null);
        model.parameters().forEach(Parameter::clearGradient);
        List<double[]> found = new ArrayList<>();
        found.add(new double[] {model.lossAndGradients(batch, 1.0 / batch.size(), 0, 0, ws)});
        model.parameters().forEach(parameter -> found.add(backend.readDoubles(parameter.gradient())));
        return found;
    }

    /** Padding on the left. */
    private static LabelledBatch turned(LabelledBatch batch) {
        Batch right = batch.sequences();
        int length = right.length();
        int[] ids = right.inputIds().clone();
        int[] mask = right.attentionMask().clone();
        for (int b = 0; b < right.size(); b++) {
            int tokens = Arrays.stream(right.attentionMask(), b * length, (b + 1) * length).sum();
            for (int t = 0; t < length; t++) {
                int from = b * length + Math.floorMod(t - (length - tokens), length);
                ids[b * length + t] = right.inputIds()[from];
                mask[b * length + t] = right.attentionMask()[from];
            }
        }
        return new LabelledBatch(new Batch(right.size(), length, ids, mask, right.tokenTypeIds(), null), batch.labels());
    }

    /** What a block keeps of the rows that nobody reads is not laid out. */
    @Test
    void noMemoryIsKeptForOtherRows() {
        // of the second block: what attention mixed, two sums and the norm of one, (N, 8), and the perceptron's two layers, (N, 11)
        assertThat(held(true) - held(false)).isGreaterThanOrEqualTo((64 * 9 - 64) * (4 * 8 + 2 * 11));
    }

    private long held(boolean watched) {
        CountingBackend counting = new CountingBackend();
        SequenceClassifier model = Families.classifier(SmallClassifiers.write("bert", LABELS, folder), counting,
                ClassifierHead.asStored(), BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
        model.parameters().forEach(Parameter::trainCopy);
        Workspace ws = Workspace.forTraining(counting, 64 * 9, 1);
        ws.watch(watched ? WATCHER : null);
        counting.taken();
        int[] ids = new int[64 * 9];
        model.lossAndGradients(new LabelledBatch(new Batch(64, 9, ids, null, null, null), new double[64]), 1, 0, 0, ws);
        return counting.taken();
    }
}
