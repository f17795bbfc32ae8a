package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.lora4j.tensor.Philox;

/** A language model that is a table: logits for each history of at most a few tokens. Runs a {@link BeamSearch} on itself. */
abstract class ToyModel {

    final int vocabulary;

    ToyModel(int vocabulary) {
        this.vocabulary = vocabulary;
    }

    /** The logits of what follows. */
    abstract double[] logits(List<Integer> history);

    /** Logits that are some random numbers for each history. */
    static ToyModel random(int vocabulary, long seed, double spread) {
        return new ToyModel(vocabulary) {
            @Override
            double[] logits(List<Integer> history) {
                Philox random = new Philox(seed);
                return IntStream.range(0, vocabulary)
                        .mapToDouble(id -> spread * random.normal(history.hashCode(), Philox.site("toy"), id)).toArray();
            }
        };
    }

    /** log softmax of the logits where the banned ones are −∞. */
    double[] logProbabilities(List<Integer> history, Set<Integer> banned) {
        double[] z = logits(history);
        banned.forEach(id -> z[id] = Double.NEGATIVE_INFINITY);
        double sum = Arrays.stream(z).map(Math::exp).sum();
        return Arrays.stream(z).map(x -> x - Math.log(sum)).toArray();
    }

    /** What beam search finds. */
    Hypothesis search(Beam beam, Set<Integer> stopIds, int maxNewTokens) {
        BeamSearch search = new BeamSearch(beam, stopIds, maxNewTokens);
        List<List<Integer>> histories = List.of(List.of());
        while (search.rows() > 0) {
            double[][] scores = new double[search.rows()][];
            int[][] order = new int[search.rows()][];
            for (int row = 0; row < scores.length; row++) {
                Set<Integer> banned = new HashSet<>();
                search.banned(row, banned::add);
                double[] p = logProbabilities(histories.get(row), banned);
                scores[row] = p;
                order[row] = IntStream.range(0, vocabulary).boxed().filter(id -> !banned.contains(id))
                        .sorted((i, j) -> Double.compare(p[j], p[i])).limit(beam.width()).mapToInt(id -> id).toArray();
            }
            search.advance(new BeamSearch.Continuations() {
                @Override
                public int count(int row) {
                    return order[row].length;
                }

                @Override
                public int id(int row, int i) {
                    return order[row][i];
                }

                @Override
                public double logProbability(int row, int i) {
                    return scores[row][order[row][i]];
                }
            });
            List<List<Integer>> before = histories;
            histories = IntStream.range(0, search.rows()).mapToObj(row -> {
                List<Integer> history = new ArrayList<>(before.get(search.parent(row)));
                history.add(search.token(row));
                return history;
            }).toList();
        }
        return search.best();
    }
}
