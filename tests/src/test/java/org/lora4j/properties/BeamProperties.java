package org.lora4j.properties;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Precision;
import org.lora4j.data.Batch;
import org.lora4j.experiments.bench.ModelShapes;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Beam;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Hypothesis;
import org.lora4j.generate.Sampling;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.RandomGpt2;

/** Beam search on a model finds what the authors' rules find when everything is read again for each token. */
class BeamProperties {

    private static final int VOCABULARY = 11;
    private static final int POSITIONS = SmallGpt2.TIED.nPositions();
    private static final Backend REFERENCE = Backends.create("reference");

    @AfterContainer
    static void close() {
        REFERENCE.close();
    }

    @Provide
    Arbitrary<List<List<Integer>>> prompts() {
        return Arbitraries.integers().between(0, VOCABULARY - 1).list().ofMinSize(1).ofMaxSize(4).list().ofMinSize(1).ofMaxSize(4);
    }

    @Property(tries = 25)
    void sharedKeysAndBranchingRowsChangeNoToken(
            @ForAll("prompts") List<List<Integer>> prompts, @ForAll @IntRange(min = 1, max = 12) int width,
            @ForAll @IntRange(min = 0, max = 3) int ngram, @ForAll @IntRange(min = 0, max = VOCABULARY - 1) int stop) {
        List<int[]> ids = prompts.stream().map(p -> p.stream().mapToInt(Integer::intValue).toArray()).toList();
        int room = POSITIONS - ids.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        Gpt2 model = SmallGpt2.of(SmallGpt2.UNTIED, REFERENCE);
        Beam beam = new Beam(width, 0.9, ngram);
        Set<Integer> stopIds = stop == 3 ? Set.of(3) : Set.of(stop, 3);
        List<Hypothesis> found = new Generator(model).beam(ids, room, stopIds, beam, (input, hypothesis) -> { });
        for (int b = 0; b < ids.size(); b++) {
            Found expected = fromScratch(model, ids.get(b), room, stopIds, beam);
            assertThat(found.get(b).tokens()).isEqualTo(expected.tokens);
            // logits are read as floats
            assertThat(Math.abs(found.get(b).score() - expected.score)).isLessThan(1e-5);
        }
    }

    @Property(tries = 15)
    void oneBeamWithoutRulesIsGreedy(@ForAll("prompts") List<List<Integer>> prompts) {
        List<int[]> ids = prompts.stream().map(p -> p.stream().mapToInt(Integer::intValue).toArray()).toList();
        Gpt2 model = SmallGpt2.of(SmallGpt2.UNTIED, REFERENCE);
        List<int[]> greedy = new Generator(model).generate(ids, 5, Set.of(3), Sampling.GREEDY, (sequence, id) -> { });
        List<Hypothesis> beam = new Generator(model).beam(ids, 5, Set.of(3), new Beam(1, 1, 0), (input, hypothesis) -> { });
        for (int b = 0; b < ids.size(); b++) {
            assertThat(beam.get(b).tokens()).isEqualTo(greedy.get(b));
        }
    }

    @Example
    void neitherTheCompanyNorTheThreadsChangeABitOfAScore() {
        List<int[]> prompts = new ArrayList<>();
        for (int b = 0; b < 19; b++) { // more than go at once, of 3 to 57 tokens
            int[] prompt = new int[3 + 3 * b];
            int seed = b;
            Arrays.setAll(prompt, t -> (37 * t + 101 * seed) % 1000);
            prompts.add(prompt);
        }
        List<long[]> expected = null;
        for (int threads : new int[] {2, 1, 3}) {
            try (Backend cpu = Backends.create("cpu", new BackendOptions(threads, Precision.STRICT))) {
                Generator generator = new Generator(RandomGpt2.create(ModelShapes.named("base-6m"), cpu, 1));
                List<long[]> found = generator.beam(prompts, 12, Set.of(0), Beam.PAPER, (input, hypothesis) -> { })
                        .stream().map(BeamProperties::bits).toList();
                expected = expected == null ? found : expected;
                assertThat(found).containsExactlyElementsOf(expected);
                if (threads == 2) {
                    for (int b = 0; b < prompts.size(); b += 6) {
                        Hypothesis alone = generator.beam(
                                List.of(prompts.get(b)), 12, Set.of(0), Beam.PAPER, (input, hypothesis) -> { }).getFirst();
                        assertThat(bits(alone)).isEqualTo(expected.get(b));
                    }
                }
            }
        }
    }

    private static long[] bits(Hypothesis hypothesis) {
        long[] bits = new long[hypothesis.tokens().length + 1];
        Arrays.setAll(bits, i -> i == 0 ? Double.doubleToLongBits(hypothesis.logProbability()) : hypothesis.tokens()[i - 1]);
        return bits;
    }

    private record Found(int[] tokens, double score) {
    }

    private record Row(int[] tokens, double sum) {
    }

    /** The rules as they stand in the paper's scripts, every row to the last step, each position computed anew. */
    private static Found fromScratch(Gpt2 model, int[] prompt, int steps, Set<Integer> stopIds, Beam beam) {
        Found best = null;
        List<Row> rows = List.of(new Row(new int[0], 0));
        for (int step = 1; step <= steps; step++) {
            List<Row> all = new ArrayList<>();
            for (Row row : rows) {
                double[] p = logProbabilities(model, prompt, row.tokens, beam.noRepeatNgram());
                for (int id = 0; id < VOCABULARY; id++) {
                    int[] tokens = Arrays.copyOf(row.tokens, step);
                    tokens[step - 1] = id;
                    all.add(new Row(tokens, row.sum + p[id]));
                }
            }
            all.sort((x, y) -> Double.compare(y.sum, x.sum));
            rows = new ArrayList<>(all.subList(0, Math.min(beam.width(), all.size())));
            for (int i = 0; i < rows.size(); i++) {
                Row row = rows.get(i);
                boolean stopped = stopIds.contains(row.tokens[step - 1]);
                double score = row.sum / Math.pow(step, beam.lengthPenalty());
                if ((stopped || step == steps) && (best == null || score > best.score)) {
                    best = new Found(stopped ? Arrays.copyOf(row.tokens, step - 1) : row.tokens, score);
                }
                if (stopped) {
                    rows.set(i, new Row(row.tokens, Double.NEGATIVE_INFINITY));
                }
            }
        }
        return best;
    }

    private static double[] logProbabilities(Gpt2 model, int[] prompt, int[] written, int n) {
        int[] sequence = Arrays.copyOf(prompt, prompt.length + written.length);
        System.arraycopy(written, 0, sequence, prompt.length, written.length);
        double[] logits = ModelProperties.logits(model, new Batch(1, sequence.length, sequence, null, null));
        double[] last = Arrays.copyOfRange(logits, logits.length - VOCABULARY, logits.length);
        for (int at = 0; n > 0 && at + n <= written.length; at++) {
            boolean again = true;
            for (int i = 0; i < n - 1; i++) {
                again &= written[at + i] == written[written.length - n + 1 + i];
            }
            if (again) {
                last[written[at + n - 1]] = Double.NEGATIVE_INFINITY;
            }
        }
        double sum = Arrays.stream(last).map(Math::exp).sum();
        return Arrays.stream(last).map(z -> z - Math.log(sum)).toArray();
    }
}
