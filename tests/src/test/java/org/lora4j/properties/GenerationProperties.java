package org.lora4j.properties;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.lifecycle.AfterContainer;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Generator;
import org.lora4j.generate.Sampling;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** Generation with cached keys and values writes what reading everything again for each token would write. */
class GenerationProperties {

    private static final int TRIES = 30;
    private static final int VOCABULARY = 11;
    private static final int POSITIONS = SmallGpt2.TIED.nPositions();
    private static final List<Backend> BACKENDS = List.of(Backends.create("reference"), Backends.create("cpu"));

    @AfterContainer
    static void close() {
        BACKENDS.forEach(Backend::close);
    }

    @Provide
    Arbitrary<List<List<Integer>>> prompts() {
        return Arbitraries.integers().between(0, VOCABULARY - 1).list().ofMinSize(1).ofMaxSize(POSITIONS - 1)
                .list().ofMinSize(1).ofMaxSize(4);
    }

    @Property(tries = TRIES)
    void theCacheChangesNoToken(
            @ForAll("prompts") List<List<Integer>> prompts, @ForAll @IntRange(min = 0, max = VOCABULARY - 1) int stop,
            @ForAll boolean adapted) {
        List<int[]> ids = prompts.stream().map(p -> p.stream().mapToInt(Integer::intValue).toArray()).toList();
        int room = POSITIONS - ids.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        for (Backend backend : BACKENDS) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);
            if (adapted) {
                SmallGpt2.randomise(backend, LoraAdapter.attach(model, LoraConfig.of(2, 2).withParts("q", "v"), 1).trainable());
            }
            List<int[]> written =
                    new Generator(model).generate(ids, room, Set.of(stop), Sampling.GREEDY, (sequence, id) -> { });
            for (int b = 0; b < ids.size(); b++) {
                assertThat(written.get(b)).isEqualTo(fromScratch(model, ids.get(b), room, stop));
            }
        }
    }

    @Property(tries = TRIES)
    void aPromptsSampledTextDoesNotDependOnThePromptsBehindIt(
            @ForAll("prompts") List<List<Integer>> prompts, @ForAll long seed) {
        List<int[]> ids = prompts.stream().map(p -> p.stream().mapToInt(Integer::intValue).toArray()).toList();
        int room = POSITIONS - ids.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
        Gpt2 model = SmallGpt2.of(SmallGpt2.UNTIED, BACKENDS.getFirst());
        Sampling sampling = new Sampling(0.9, 7, 0.95, seed);
        List<int[]> together = new Generator(model).generate(ids, room, Set.of(3), sampling, (sequence, id) -> { });
        assertThat(new Generator(model).generate(ids.getFirst(), room, Set.of(3), sampling)).isEqualTo(together.getFirst());
    }

    /** The largest logit of the last position, again and again; without a cache, a batch or padding. */
    private static int[] fromScratch(Gpt2 model, int[] prompt, int maxNewTokens, int stop) {
        List<Integer> written = new ArrayList<>();
        int[] sequence = prompt;
        for (int n = 0; n < maxNewTokens; n++) {
            double[] logits = ModelProperties.logits(model, new Batch(1, sequence.length, sequence, null, null));
            double[] last = Arrays.copyOfRange(logits, logits.length - VOCABULARY, logits.length);
            int best = 0;
            for (int id = 1; id < VOCABULARY; id++) {
                best = last[id] > last[best] ? id : best;
            }
            if (best == stop) {
                break;
            }
            written.add(best);
            sequence = Arrays.copyOf(sequence, sequence.length + 1);
            sequence[sequence.length - 1] = best;
        }
        return written.stream().mapToInt(Integer::intValue).toArray();
    }
}
