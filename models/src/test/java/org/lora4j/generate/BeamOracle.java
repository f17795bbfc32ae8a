package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The authors' rules twice over, with nothing clever in them: all {@code width} beams to the last step, ended ones at −∞;
 * and the best of every sequence there is.
 */
final class BeamOracle {

    private final ToyModel model;
    private final Beam beam;
    private final Set<Integer> stopIds;
    private final int maxNewTokens;

    private double bestScore = Double.NEGATIVE_INFINITY;
    private List<Integer> best;

    BeamOracle(ToyModel model, Beam beam, Set<Integer> stopIds, int maxNewTokens) {
        this.model = model;
        this.beam = beam;
        this.stopIds = stopIds;
        this.maxNewTokens = maxNewTokens;
    }

    private record Scored(List<Integer> history, double sum) {
    }

    /** Beam search to the last step; the result has its stop token still. */
    List<Integer> beams() {
        List<Scored> beams = List.of(new Scored(List.of(), 0));
        for (int step = 0; step < maxNewTokens; step++) {
            List<Scored> all = new ArrayList<>();
            for (Scored scored : beams) {
                double[] p = model.logProbabilities(scored.history, banned(scored.history));
                for (int id = 0; id < model.vocabulary; id++) {
                    all.add(new Scored(with(scored.history, id), scored.sum + p[id]));
                }
            }
            all.sort((x, y) -> Double.compare(y.sum, x.sum));
            beams = new ArrayList<>(all.subList(0, Math.min(beam.width(), all.size())));
            for (int i = 0; i < beams.size(); i++) {
                if (stopIds.contains(beams.get(i).history.getLast())) {
                    count(beams.get(i));
                    beams.set(i, new Scored(beams.get(i).history, Double.NEGATIVE_INFINITY));
                }
            }
        }
        beams.forEach(this::count);
        return best;
    }

    /** The best of all sequences that end with a stop token or are as long as can be. */
    List<Integer> everything() {
        extend(new Scored(List.of(), 0));
        return best;
    }

    private void extend(Scored scored) {
        double[] p = model.logProbabilities(scored.history, banned(scored.history));
        for (int id = 0; id < model.vocabulary; id++) {
            Scored next = new Scored(with(scored.history, id), scored.sum + p[id]);
            if (stopIds.contains(id) || next.history.size() == maxNewTokens) {
                count(next);
            } else {
                extend(next);
            }
        }
    }

    private void count(Scored scored) {
        double score = scored.sum / Math.pow(scored.history.size(), beam.lengthPenalty());
        if (score > bestScore) {
            bestScore = score;
            best = scored.history;
        }
    }

    double bestScore() {
        return bestScore;
    }

    private static List<Integer> with(List<Integer> history, int id) {
        List<Integer> longer = new ArrayList<>(history);
        longer.add(id);
        return longer;
    }

    private Set<Integer> banned(List<Integer> history) {
        Set<Integer> banned = new HashSet<>();
        int n = beam.noRepeatNgram();
        for (int id = 0; id < model.vocabulary && n > 0 && history.size() >= n; id++) {
            List<Integer> longer = with(history, id);
            List<Integer> ngram = longer.subList(longer.size() - n, longer.size());
            if (Collections.indexOfSubList(history, ngram) >= 0) {
                banned.add(id);
            }
        }
        return banned;
    }
}
