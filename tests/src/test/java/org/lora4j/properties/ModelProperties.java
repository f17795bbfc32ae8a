package org.lora4j.properties;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;

/** What a sequence gives does not depend on what stands beside it, behind it or in its padding. */
class ModelProperties {

    private static final int TRIES = 40;
    private static final int VOCABULARY = SmallGpt2.TIED.vocabSize();
    private static final List<Backend> BACKENDS = List.of(Backends.create("reference"), Backends.create("cpu"));

    @AfterContainer
    static void close() {
        BACKENDS.forEach(Backend::close);
    }

    @Property(tries = TRIES)
    void aRightPaddedBatchEqualsItsRowsAlone(
            @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 2, max = 9) Integer> lengths, @ForAll int seed) {
        Batch batch = SmallBatches.of(ints(lengths), Side.RIGHT, VOCABULARY, 1, seed);
        for (Backend backend : BACKENDS) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            double[] together = logits(model, batch);
            for (int b = 0; b < batch.size(); b++) {
                int from = b * batch.length() * VOCABULARY;
                double[] row = Arrays.copyOfRange(together, from, from + lengths.get(b) * VOCABULARY);
                assertClose(row, logits(model, SmallBatches.rowWithoutPadding(batch, b)), backend);
            }
        }
    }

    /** Positions count from the padding on, so a row is compared with itself under the same padding. */
    @Property(tries = TRIES)
    void aLeftPaddedBatchEqualsItsRowsAlone(
            @ForAll @Size(min = 1, max = 5) List<@IntRange(min = 2, max = 9) Integer> lengths, @ForAll int seed) {
        Batch batch = SmallBatches.of(ints(lengths), Side.LEFT, VOCABULARY, 1, seed);
        for (Backend backend : BACKENDS) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.UNTIED, backend);
            double[] together = logits(model, batch);
            for (int b = 0; b < batch.size(); b++) {
                int end = (b + 1) * batch.length() * VOCABULARY;
                double[] row = Arrays.copyOfRange(together, end - lengths.get(b) * VOCABULARY, end);
                double[] alone = logits(model, SmallBatches.row(batch, b));
                assertClose(row, Arrays.copyOfRange(alone, alone.length - row.length, alone.length), backend);
            }
        }
    }

    @Property(tries = TRIES)
    void gradientsOfABatchAreTheSumOfItsRows(
            @ForAll @Size(min = 1, max = 4) List<@IntRange(min = 3, max = 9) Integer> lengths, @ForAll Side side,
            @ForAll int seed) {
        Batch batch = SmallBatches.of(ints(lengths), side, VOCABULARY, 1, seed);
        for (Backend backend : BACKENDS) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            model.parameters().forEach(Parameter::trainCopy);
            Workspace ws = Workspace.forTraining(backend, batch.inputIds().length, 1);
            double together = model.lossAndGradients(batch, 1, 0, 0, ws);
            List<double[]> expected = gradients(model);
            model.parameters().forEach(Parameter::clearGradient);
            double alone = 0;
            for (int b = 0; b < batch.size(); b++) {
                alone += model.lossAndGradients(SmallBatches.row(batch, b), 1, 0, 0, ws);
            }
            List<double[]> actual = gradients(model);
            assertClose(new double[] {alone}, new double[] {together}, backend);
            for (int i = 0; i < actual.size(); i++) {
                assertClose(actual.get(i), expected.get(i), backend);
            }
        }
    }

    /** What is beyond a position cannot be seen from it. */
    @Property(tries = TRIES)
    void aBeginningGivesTheSameWhateverFollows(
            @ForAll @IntRange(min = 1, max = 8) int length, @ForAll int seed) {
        Batch whole = SmallBatches.of(new int[] {9}, Side.RIGHT, VOCABULARY, 1, seed);
        Batch beginning = new Batch(1, length, Arrays.copyOf(whole.inputIds(), length), null, null);
        for (Backend backend : BACKENDS) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            double[] expected = Arrays.copyOf(logits(model, whole), length * VOCABULARY);
            assertClose(logits(model, beginning), expected, backend);
        }
    }

    @Property(tries = TRIES)
    void theParameterCountIsThatOfTheTensorsAllocated(
            @ForAll @IntRange(min = 1, max = 20) int vocabulary, @ForAll @IntRange(min = 1, max = 12) int positions,
            @ForAll @IntRange(min = 1, max = 4) int headSize, @ForAll @IntRange(min = 1, max = 3) int layers,
            @ForAll @IntRange(min = 1, max = 3) int heads, @ForAll @IntRange(min = 1, max = 20) int inner,
            @ForAll boolean tied) {
        Gpt2Config config = Gpt2Config.of(vocabulary, positions, headSize * heads, layers, heads, inner)
                .withActivation(SmallGpt2.TIED.activation()).withTieWordEmbeddings(tied);
        Backend backend = BACKENDS.getFirst();
        long before = backend.allocations();
        Gpt2 model = SmallGpt2.of(config, backend);
        assertThat(model.parameters().stream().mapToLong(Parameter::size).sum()).isEqualTo(config.parameterCount());
        assertThat(backend.allocations() - before).isEqualTo(model.parameters().size());
    }

    static double[] logits(Gpt2 model, Batch batch) {
        Workspace ws = Workspace.forInference(model.backend(), batch.inputIds().length);
        return model.backend().readDoubles(model.logits(batch, ws));
    }

    private static List<double[]> gradients(Gpt2 model) {
        return model.parameters().stream().map(p -> model.backend().readDoubles(p.gradient())).toList();
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    /**
     * Equal but for rounding, in units of u times the largest value. Other kernels and other orders of summation meet in
     * some 20 operations one behind the other; random signs let them add up to 8 units at most so far, and 64 are allowed.
     */
    static void assertClose(double[] actual, double[] expected, Backend backend) {
        double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
        double bound = 64 * backend.unitRoundoff() * scale;
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            assertThat(Math.abs(actual[i] - expected[i])).as("element %d of %d", i, actual.length).isLessThanOrEqualTo(bound);
        }
    }
}
