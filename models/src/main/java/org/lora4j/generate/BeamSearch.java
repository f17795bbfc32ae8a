package org.lora4j.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Beam search for one input, by the rules of the authors' {@code gpt2_beam.py}. It knows no model: each step is given the
 * likeliest next tokens of every row, and says which rows there are next.
 *
 * <pre>
 *   score of a row          s = Σ log p of its tokens, p the softmax over the tokens that are not banned
 *   banned for a row        a token that would complete n tokens which it has written before; the prompt does not count
 *   a step                  of all continuations of all rows the {@code width} with the largest s; the first step has one row
 *   a row ends              with a stop token; it counts s / lengthᵖ, the stop token included, and is gone
 *   at the end              after {@code maxNewTokens} steps the rows that are left count as well
 *   result                  the largest s / lengthᵖ, of equal ones the first
 * </pre>
 *
 * <p>The authors' search runs to its last step whatever happens. This one stops when no row can win any more, which does
 * not change the result: s only falls, and s ≤ 0, so what grows out of a row counts at most s over the largest lengthᵖ
 * that is still to come. (Rounding is monotone, so this holds for the computed numbers too.)
 *
 * <p>Of equal scores the row that comes first, and in it the smaller id, is taken; {@code torch.topk} says nothing about
 * that. A row that nothing may follow, because every token is banned, counts as it stands; the authors' scores are NaN
 * then.
 */
final class BeamSearch {

    /** For each row its likeliest tokens that are not banned, likeliest first: {@code width} of them, or all there are. */
    interface Continuations {

        int count(int row);

        int id(int row, int i);

        double logProbability(int row, int i);
    }

    /** A hypothesis that is still being written. */
    private record Row(int parent, int[] tokens, double sum) {

        int token() {
            return tokens[tokens.length - 1];
        }
    }

    private record Candidate(int row, int rank, int token, double sum) {
    }

    private final Beam beam;
    private final Set<Integer> stopIds;
    private final int minNewTokens;
    private final int maxNewTokens;

    private List<Row> rows = List.of(new Row(0, new int[0], 0));
    private int steps;
    private @Nullable Hypothesis best;

    /** @param maxNewTokens at least 1 */
    BeamSearch(Beam beam, Set<Integer> stopIds, int maxNewTokens) {
        this(beam, stopIds, 0, maxNewTokens);
    }

    /**
     * @param minNewTokens how many tokens a row has before a stop token may end it
     * @param maxNewTokens at least 1
     */
    BeamSearch(Beam beam, Set<Integer> stopIds, int minNewTokens, int maxNewTokens) {
        this.beam = beam;
        this.stopIds = stopIds;
        this.minNewTokens = minNewTokens;
        this.maxNewTokens = maxNewTokens;
    }

    /** Rows that want to know what follows; 1 before the first step, 0 when the search is over. */
    int rows() {
        return rows.size();
    }

    /** The row of the step before that this one continues. */
    int parent(int row) {
        return rows.get(row).parent;
    }

    /** What it continues that with. */
    int token(int row) {
        return rows.get(row).token();
    }

    /**
     * The tokens that may not follow a row. A walk over what was written, 64 tokens say, is quicker than keeping a set for
     * every row that must be copied when rows branch.
     */
    void banned(int row, IntConsumer token) {
        if (steps < minNewTokens) {
            stopIds.forEach(token::accept);
        }
        int n = beam.noRepeatNgram();
        int[] written = rows.get(row).tokens;
        if (n == 0 || written.length < n) {
            return; // nothing of n tokens is there yet
        }
        int tail = written.length - (n - 1);
        for (int from = 0; from + n <= written.length; from++) {
            if (Arrays.equals(written, from, from + n - 1, written, tail, written.length)) {
                token.accept(written[from + n - 1]);
            }
        }
    }

    /** One token more. */
    void advance(Continuations next) {
        steps++;
        List<Row> continued = new ArrayList<>();
        for (Candidate candidate : best(next)) {
            Row parent = rows.get(candidate.row);
            int[] tokens = Arrays.copyOf(parent.tokens, steps);
            tokens[steps - 1] = candidate.token;
            Row row = new Row(candidate.row, tokens, candidate.sum);
            if (stopIds.contains(candidate.token)) {
                count(row, true);
            } else {
                continued.add(row);
            }
        }
        if (steps == maxNewTokens) {
            continued.forEach(row -> count(row, false));
        }
        rows = steps == maxNewTokens || isDecided(continued) ? List.of() : continued;
    }

    /**
     * The continuations with the largest sums; rows that have none count. A row's continuations come likeliest first, so of
     * each only the next one has to be looked at.
     */
    private List<Candidate> best(Continuations next) {
        PriorityQueue<Candidate> heads = new PriorityQueue<>(
                Comparator.comparingDouble(Candidate::sum).reversed().thenComparingInt(Candidate::row));
        for (int row = 0; row < rows.size(); row++) {
            if (next.count(row) == 0) {
                count(rows.get(row), false);
            } else {
                heads.add(candidate(next, row, 0));
            }
        }
        List<Candidate> best = new ArrayList<>();
        while (best.size() < beam.width() && !heads.isEmpty()) {
            Candidate head = heads.poll();
            best.add(head);
            if (head.rank + 1 < next.count(head.row)) {
                heads.add(candidate(next, head.row, head.rank + 1));
            }
        }
        return best;
    }

    private Candidate candidate(Continuations next, int row, int rank) {
        return new Candidate(row, rank, next.id(row, rank), rows.get(row).sum + next.logProbability(row, rank));
    }

    /** A row has ended, or will not go on: is it the best so far? */
    private void count(Row row, boolean stopped) {
        double score = score(row.sum, row.tokens.length);
        if (best == null || score > best.score()) {
            int[] tokens = stopped ? Arrays.copyOf(row.tokens, row.tokens.length - 1) : row.tokens;
            best = new Hypothesis(tokens, stopped, row.sum, score);
        }
    }

    private double score(double sum, int length) {
        return sum / Math.pow(length, beam.lengthPenalty());
    }

    /** Whether nothing that grows out of these rows can score more than the best. */
    private boolean isDecided(List<Row> continued) {
        if (best == null) {
            return continued.isEmpty();
        }
        for (Row row : continued) {
            // lengthᵖ is monotone in the length, so its largest value is at one of the two ends
            double most = Math.max(score(row.sum, steps + 1), score(row.sum, maxNewTokens));
            if (most > best.score()) {
                return false;
            }
        }
        return true;
    }

    /** What was found; meaningful when no rows are left. */
    Hypothesis best() {
        return best;
    }
}
