package org.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;

class SamplerTest {

    /** Recorded by tests/golden/sampling.py. */
    @Test
    void theDistributionIsThatOfTransformersProcessors() throws IOException {
        JsonNode cases;
        try (InputStream in = SamplerTest.class.getResourceAsStream("sampling.json")) {
            cases = new ObjectMapper().readTree(in).get("cases");
        }
        assertThat(cases).hasSizeGreaterThan(50);
        int number = 0;
        for (JsonNode c : cases) {
            float[] logits = new float[c.get("logits").size()];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = c.get("logits").get(i).floatValue();
            }
            BitSet there = new BitSet();
            c.get("prompt").forEach(id -> there.set(id.intValue()));
            c.get("written").forEach(id -> there.set(id.intValue()));
            Set<Integer> stop = new HashSet<>();
            c.get("stop").forEach(id -> stop.add(id.intValue()));
            Sampler.penalize(logits, there, c.get("repetition_penalty").doubleValue());
            if (c.get("written").size() < c.get("min_new_tokens").intValue()) {
                Sampler.ban(logits, stop);
            }
            Sampler sampler = new Sampler(logits.length);
            if (c.get("sample").booleanValue()) {
                Sampling sampling = new Sampling(c.get("temperature").doubleValue(), c.get("top_k").intValue(),
                        c.get("top_p").doubleValue(), c.get("min_p").doubleValue(), 1, 0);
                double[] p = sampler.probabilities(logits, sampling);
                for (int id = 0; id < p.length; id++) {
                    // the scores there are floats, divided by the temperature; z/T is up to 400 here
                    assertThat(p[id]).as("case %d, token %d", number, id)
                            .isCloseTo(c.get("probabilities").get(id).doubleValue(), within(5e-5));
                }
            } else {
                assertThat(sampler.draw(logits, Sampling.GREEDY, 0, 0, 0)).as("case %d", number)
                        .isEqualTo(c.get("chosen").intValue());
            }
            number++;
        }
    }

    private static final float[] LOGITS = {0, 2, 1, 2, -1, 1.5f, Float.NEGATIVE_INFINITY};

    private static int[] kept(Sampling sampling) {
        double[] p = new Sampler(LOGITS.length).probabilities(LOGITS, sampling);
        assertThat(Arrays.stream(p).sum()).isCloseTo(1, within(1e-12));
        return IntStream.range(0, p.length).filter(id -> p[id] > 0).toArray();
    }

    @Test
    void ofEqualLogitsTopKKeepsAllAndTopPTheSmallerIds() {
        Sampling all = Sampling.of(1, 0);
        assertThat(kept(all)).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(kept(all.withTopK(1))).containsExactly(1, 3);
        assertThat(kept(all.withTopK(3))).containsExactly(1, 3, 5);
        assertThat(kept(all.withTopK(99))).containsExactly(0, 1, 2, 3, 4, 5);
        assertThat(kept(all.withTopP(0.01))).containsExactly(1);
        assertThat(kept(all.withTopK(1).withTopP(0.5))).containsExactly(1);
        assertThat(kept(all.withTopK(1).withTopP(0.51))).containsExactly(1, 3);
        assertThat(kept(all.withMinP(1))).containsExactly(1, 3);
        assertThat(kept(all.withMinP(Math.exp(-0.6)))).containsExactly(1, 3, 5);
    }

    @Test
    void aTemperatureCloseToZeroTakesTheLargestAndAHugeOneAllAlike() {
        assertThat(kept(Sampling.of(Double.MIN_VALUE, 0))).containsExactly(1, 3);
        double[] p = new Sampler(LOGITS.length).probabilities(LOGITS, Sampling.of(1e300, 0));
        assertThat(p).startsWith(new double[] {1 / 6.0, 1 / 6.0}, within(1e-12)).endsWith(0);
    }

    @Test
    void drawsComeAsOftenAsTheyAreLikely() {
        Sampler sampler = new Sampler(LOGITS.length);
        Sampling sampling = Sampling.of(0.8, 11).withTopK(4);
        double[] p = sampler.probabilities(LOGITS, sampling);
        int[] counts = new int[p.length];
        int draws = 40_000;
        for (int i = 0; i < draws; i++) {
            counts[sampler.draw(LOGITS, sampling, i % 100, i / 100 % 20, i / 2000)]++;
        }
        for (int id = 0; id < p.length; id++) {
            // five standard deviations of a binomial's mean
            assertThat((double) counts[id] / draws).isCloseTo(p[id], within(1e-9 + 5 * Math.sqrt(p[id] * (1 - p[id]) / draws)));
        }
    }

    /** A vocabulary so large that two draws hardly ever agree by chance shows the random number itself. */
    @Test
    void noDrawIsAnothersOfAnySeedRequestSampleOrStep() {
        float[] flat = new float[1 << 18];
        Sampler sampler = new Sampler(flat.length);
        Set<Integer> seen = new HashSet<>();
        int draws = 0;
        for (long seed = 0; seed < 4; seed++) {
            for (int request : new int[] {0, 1, 2, 31, 32, 33, 64, 1 << 30}) {
                for (int sample : new int[] {0, 1, 2, 3}) {
                    for (int n : new int[] {0, 1}) {
                        seen.add(sampler.draw(flat, Sampling.of(1, seed), request, sample, n));
                        draws++;
                    }
                }
            }
        }
        assertThat(seen.size()).isGreaterThan(draws - 6); // 256 of 262,144: 0.12 pairs agree by chance
    }

    @Test
    void logitsThatAreNoNumbersAreRefused() {
        float[] logits = {1, Float.NaN, 2};
        assertThatThrownBy(() -> new Sampler(3).draw(logits, Sampling.of(1, 0), 0, 0, 0))
                .isInstanceOf(LoraException.class).hasMessageContaining("NaN");
        float[] nothing = {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY};
        assertThatThrownBy(() -> new Sampler(2).draw(nothing, Sampling.GREEDY, 0, 0, 0)).isInstanceOf(LoraException.class);
    }

    @ParameterizedTest
    @CsvSource({"1, 0, 1, -0.1, 1, `minP`", "1, 0, 1, 1.1, 1, `minP`", "1, 0, 1, NaN, 1, `minP`",
        "1, 0, 1, 0, 0, `repetitionPenalty`", "1, 0, 1, 0, -1, `repetitionPenalty`", "1, 0, 1, 0, NaN, `repetitionPenalty`",
        "1, 0, 1, 0, Infinity, `repetitionPenalty`", "-1, 0, 1, 0, 1, `temperature`", "1, -1, 1, 0, 1, `topK`",
        "1, 0, 0, 0, 1, `topP`"})
    void settingsThatMakeNoSenseAreRefused(
            double temperature, int topK, double topP, double minP, double penalty, String option) {
        assertThatThrownBy(() -> new Sampling(temperature, topK, topP, minP, penalty, 0)).hasMessageStartingWith(option);
    }
}
