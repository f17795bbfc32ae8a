package org.lora4j.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;

class BeamSearchTest {

    private static final int STOP = 0;
    private static final int A = 1;
    private static final int B = 2;
    private static final int C = 3;

    /** Probabilities by what was written; what is not there is as likely as all else. */
    private static ToyModel table(int vocabulary, Map<List<Integer>, double[]> probabilities) {
        return new ToyModel(vocabulary) {
            @Override
            double[] logits(List<Integer> history) {
                double[] p = probabilities.get(history);
                return p == null ? new double[vocabulary] : Arrays.stream(p).map(Math::log).toArray();
            }
        };
    }

    private static List<Integer> tokens(Hypothesis hypothesis, int stop) {
        List<Integer> tokens = new ArrayList<>(Arrays.stream(hypothesis.tokens()).boxed().toList());
        if (hypothesis.stopped()) {
            tokens.add(stop);
        }
        return tokens;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.9, 0, 1, 2.5, -0.7})
    void aBeamWideEnoughForEverythingFindsTheBestOfAllSequences(double penalty) {
        for (int seed = 0; seed < 40; seed++) {
            ToyModel model = ToyModel.random(3, seed, 1.5);
            Beam beam = new Beam(200, penalty, seed % 4);
            BeamOracle oracle = new BeamOracle(model, beam, Set.of(STOP), 4);
            List<Integer> best = oracle.everything();
            Hypothesis found = model.search(beam, Set.of(STOP), 4);
            assertThat(tokens(found, STOP)).as("seed %d", seed).isEqualTo(best);
            assertThat(found.score()).isCloseTo(oracle.bestScore(), within(1e-12));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 10})
    void aNarrowBeamFindsWhatTheAuthorsRulesFindToTheLastStep(int width) {
        for (int seed = 0; seed < 150; seed++) {
            // a spread of 3 makes models that are sure of themselves, one of 0.5 models that hardly prefer anything
            ToyModel model = ToyModel.random(3 + seed % 4, seed, seed % 3 == 0 ? 3 : 0.5 + seed % 3);
            Beam beam = new Beam(width, 0.9 - 0.3 * (seed % 5), seed % 5);
            int steps = 1 + seed % 9;
            BeamOracle oracle = new BeamOracle(model, beam, Set.of(STOP), steps);
            List<Integer> best = oracle.beams();
            Hypothesis found = model.search(beam, Set.of(STOP), steps);
            assertThat(tokens(found, STOP)).as("seed %d", seed).isEqualTo(best);
            assertThat(found.score()).isCloseTo(oracle.bestScore(), within(1e-12));
        }
    }

    @Test
    void theFirstStepHasOneRow() {
        BeamSearch search = new BeamSearch(Beam.PAPER, Set.of(STOP), 5);
        assertThat(search.rows()).isEqualTo(1);
    }

    @Test
    void theLengthInTheScoreCountsTheStopToken() {
        ToyModel model = table(3, Map.of(List.of(), new double[] {0.01, 0.89, 0.1}, List.of(A), new double[] {0.98, 0.01, 0.01}));
        Hypothesis found = model.search(new Beam(2, 2, 0), Set.of(STOP), 3);
        assertThat(found.tokens()).containsExactly(A);
        assertThat(found.stopped()).isTrue();
        assertThat(found.score()).isCloseTo(Math.log(0.89 * 0.98) / 4, within(1e-12));
        assertThat(found.logProbability()).isCloseTo(Math.log(0.89 * 0.98), within(1e-12));
    }

    /** "A" at once has probability 0.4, "BB" 0.3. */
    private static final ToyModel SHORT_OR_LONG = table(3, Map.of(
            List.of(), new double[] {0.2, 0.4, 0.4}, List.of(A), new double[] {0.999, 0.0005, 0.0005},
            List.of(B), new double[] {0.1, 0.1, 0.8}, List.of(B, B), new double[] {0.9, 0.05, 0.05}));

    @Test
    void theLengthPenaltyDecidesBetweenShortAndLong() {
        assertThat(SHORT_OR_LONG.search(new Beam(3, 0, 0), Set.of(STOP), 3).tokens()).containsExactly(A);
        assertThat(SHORT_OR_LONG.search(new Beam(3, 2, 0), Set.of(STOP), 3).tokens()).containsExactly(B, B);
    }

    @Test
    void anEndedRowTakesItsPlaceInTheStepItEndsIn() {
        // with two rows, the stop token and A fill the first step, so B, which would have won, is never begun
        ToyModel model = table(3, Map.of(
                List.of(), new double[] {0.35, 0.34, 0.31}, List.of(A), new double[] {0.1, 0.45, 0.45},
                List.of(B), new double[] {0.98, 0.01, 0.01}));
        assertThat(model.search(new Beam(2, 1, 0), Set.of(STOP), 2).tokens()).doesNotContain(B);
        assertThat(model.search(new Beam(3, 1, 0), Set.of(STOP), 2).tokens()).containsExactly(B);
    }

    @Test
    void anEndedRowIsGoneAfterItsStep() {
        ToyModel model = table(3, Map.of(List.of(), new double[] {0.4, 0.3, 0.3}));
        BeamSearch search = new BeamSearch(new Beam(3, 0.9, 0), Set.of(STOP), 4);
        search.advance(continuations(model, List.of(List.of()), 3));
        assertThat(search.rows()).isEqualTo(2);
        assertThat(IntStream.range(0, 2).map(search::token)).containsExactlyInAnyOrder(A, B);
    }

    @Test
    void theSearchGoesOnWhenSomethingHasEndedAndMayBeBeaten() {
        ToyModel model = table(3, Map.of(
                List.of(), new double[] {0.5, 0.45, 0.05}, List.of(A), new double[] {0.005, 0.99, 0.005},
                List.of(A, A), new double[] {0.99, 0.005, 0.005}));
        assertThat(model.search(new Beam(2, 0.9, 0), Set.of(STOP), 3).tokens()).containsExactly(A, A);
    }

    @Test
    void theSearchIsOverAsSoonAsNothingCanWinAnyMore() {
        ToyModel model = table(3, Map.of(List.of(), new double[] {0.98, 0.01, 0.01}));
        BeamSearch search = new BeamSearch(new Beam(3, 0.9, 0), Set.of(STOP), 64);
        search.advance(continuations(model, List.of(List.of()), 3));
        // log 0.98 / 1 = −0.02; what may come counts at most log 0.01 / 64^0.9 = −0.11
        assertThat(search.rows()).isZero();
        assertThat(search.best().tokens()).isEmpty();
    }

    @Test
    void rowsThatAreLeftAtTheEndCount() {
        ToyModel model = table(3, Map.of(
                List.of(), new double[] {0.3, 0.6, 0.1}, List.of(A), new double[] {0.01, 0.98, 0.01},
                List.of(A, A), new double[] {0.01, 0.98, 0.01}));
        Hypothesis found = model.search(new Beam(2, 0.9, 0), Set.of(STOP), 3);
        assertThat(found.tokens()).containsExactly(A, A, A);
        assertThat(found.stopped()).isFalse();
        assertThat(found.score()).isCloseTo(Math.log(0.6 * 0.98 * 0.98) / Math.pow(3, 0.9), within(1e-12));
    }

    @Test
    void thereMayBeSeveralStopTokens() {
        ToyModel model = table(4, Map.of(
                List.of(), new double[] {0.01, 0.97, 0.01, 0.01}, List.of(A), new double[] {0.01, 0.01, 0.01, 0.97}));
        Hypothesis found = model.search(new Beam(2, 0.9, 0), Set.of(STOP, C), 5);
        assertThat(found.tokens()).containsExactly(A);
        assertThat(found.stopped()).isTrue();
    }

    @Test
    void noTokensComeAgainInTheSameOrderAndTheOthersShareTheirProbability() {
        // after A B A only another A or a stop may follow: B would complete "A B" again
        double[] repeat = {0.1, 0.1, 0.8};
        ToyModel model = table(3, Map.of(
                List.of(), new double[] {0.01, 0.98, 0.01}, List.of(A), repeat, List.of(A, B), new double[] {0.01, 0.98, 0.01},
                List.of(A, B, A), repeat));
        Hypothesis free = model.search(new Beam(2, 0.9, 0), Set.of(STOP), 4);
        assertThat(free.tokens()).containsExactly(A, B, A, B);
        Hypothesis ruled = model.search(new Beam(2, 0.9, 2), Set.of(STOP), 4);
        assertThat(ruled.tokens()).startsWith(A, B, A);
        assertThat(tokens(ruled, STOP).getLast()).isNotEqualTo(B);
        assertThat(ruled.logProbability()).isCloseTo(Math.log(0.98 * 0.8 * 0.98 * 0.5), within(1e-12));
    }

    @Test
    void whatIsBannedCompletesTokensThatWereWrittenBefore() {
        assertThat(bannedAfter(3, A, B, C, A, B)).containsExactlyInAnyOrder(C);
        assertThat(bannedAfter(4, A, B, C, A, B)).isEmpty();
        assertThat(bannedAfter(2, A, A)).containsExactlyInAnyOrder(A);
        assertThat(bannedAfter(2, A, B, A, C, A)).containsExactlyInAnyOrder(B, C);
        assertThat(bannedAfter(1, A, C)).containsExactlyInAnyOrder(A, C);
        assertThat(bannedAfter(0, A, A, A)).isEmpty();
        assertThat(bannedAfter(4, A, A, A)).isEmpty();
        assertThat(bannedAfter(3, A, A, A)).containsExactlyInAnyOrder(A);
    }

    private static Set<Integer> bannedAfter(int n, int... written) {
        BeamSearch search = new BeamSearch(new Beam(1, 1, n), Set.of(), 99);
        for (int token : written) {
            search.advance(only(token));
        }
        Set<Integer> banned = new HashSet<>();
        search.banned(0, banned::add);
        return banned;
    }

    @Test
    void ofEqualScoresTheFirstRowAndTheSmallerTokenAreTaken() {
        ToyModel model = table(4, Map.of());
        BeamSearch search = new BeamSearch(new Beam(3, 1, 0), Set.of(), 9);
        search.advance(continuations(model, List.of(List.of()), 3));
        assertThat(IntStream.range(0, 3).map(search::token)).containsExactly(0, 1, 2);
        search.advance(continuations(model, List.of(List.of(0), List.of(1), List.of(2)), 3));
        assertThat(IntStream.range(0, 3).map(search::parent)).containsExactly(0, 0, 0);
        assertThat(IntStream.range(0, 3).map(search::token)).containsExactly(0, 1, 2);
    }

    @Test
    void aRowThatNothingMayFollowCountsAsItStands() {
        ToyModel model = table(1, Map.of());
        Hypothesis found = model.search(new Beam(2, 1, 2), Set.of(), 9);
        assertThat(found.tokens()).containsExactly(0, 0); // a third would repeat "0 0"
    }

    @Test
    void noRowEndsBeforeItHasTheLeastTokens() {
        BeamSearch search = new BeamSearch(new Beam(2, 1, 0), Set.of(STOP), 2, 9);
        Set<Integer> banned = new HashSet<>();
        search.banned(0, banned::add);
        assertThat(banned).containsExactly(STOP);
        search.advance(only(A));
        search.advance(only(A));
        banned.clear();
        search.banned(0, banned::add);
        assertThat(banned).isEmpty();
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> new Beam(0, 1, 0)).isInstanceOf(LoraException.class).hasMessage("`width` 0: expected 1 to 1000, since each hypothesis is computed like a text of its own");
        assertThatThrownBy(() -> new Beam(100_000, 1, 0)).hasMessageStartingWith("`width` 100000: expected 1 to 1000");
        assertThatThrownBy(() -> new Beam(1, Double.NaN, 0)).hasMessage("`lengthPenalty` NaN: expected a number");
        assertThatThrownBy(() -> new Beam(1, 1, -1)).hasMessageStartingWith("`noRepeatNgram` -1: expected 0");
    }

    private static BeamSearch.Continuations only(int token) {
        return new BeamSearch.Continuations() {
            @Override
            public int count(int row) {
                return 1;
            }

            @Override
            public int id(int row, int i) {
                return token;
            }

            @Override
            public double logProbability(int row, int i) {
                return -1;
            }
        };
    }

    /** The {@code width} likeliest of each history, ids in order where they are equal. */
    private static BeamSearch.Continuations continuations(ToyModel model, List<List<Integer>> histories, int width) {
        List<double[]> p = histories.stream().map(history -> model.logProbabilities(history, Set.of())).toList();
        List<int[]> order = p.stream().map(row -> IntStream.range(0, model.vocabulary).boxed()
                .sorted((i, j) -> Double.compare(row[j], row[i])).limit(width).mapToInt(id -> id).toArray()).toList();
        return new BeamSearch.Continuations() {
            @Override
            public int count(int row) {
                return order.get(row).length;
            }

            @Override
            public int id(int row, int i) {
                return order.get(row)[i];
            }

            @Override
            public double logProbability(int row, int i) {
                return p.get(row)[order.get(row)[i]];
            }
        };
    }
}
