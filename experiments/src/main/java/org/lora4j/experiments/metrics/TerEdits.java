package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The edits of {@link Ter}: how many shifts of word sequences, and insertions, deletions and substitutions of words, turn a
 * hypothesis into a reference. The least number is hard to find; this is tercom's greedy search for a small one:
 *
 * <pre>
 *   repeat   of all shifts of matching sequences, take the one that lowers the edit distance most
 *            (then the longest, the first, the one with the first target)
 *   until none lowers it
 * </pre>
 *
 * tercom's limits hold: a sequence of at most 10 words goes at most 50 words far, and the edit distance is looked for
 * within 25 words of the diagonal. After 1,000 shifts tried the search ends, as sacrebleu ends it.
 */
final class TerEdits {

    private static final int MAX_SHIFT_WORDS = 10;
    private static final int MAX_SHIFT_DISTANCE = 50;
    private static final int BEAM = 25;
    private static final int MAX_TRIED = 1000;
    private static final int UNREACHED = Integer.MAX_VALUE / 2;

    private enum Edit { KEEP, SUBSTITUTE, DELETE, INSERT }

    private final String[] reference;
    private String[] hypothesis;
    private Distance distance;
    private int tried;

    private TerEdits(String[] hypothesis, String[] reference) {
        this.hypothesis = hypothesis;
        this.reference = reference;
        distance = new Distance(hypothesis, null);
    }

    /** The number of edits. */
    static int count(List<String> hypothesis, List<String> reference) {
        if (reference.isEmpty()) {
            return hypothesis.size();
        }
        TerEdits edits = new TerEdits(hypothesis.toArray(String[]::new), reference.toArray(String[]::new));
        int shifts = 0;
        for (Shift best = edits.bestShift(); best != null && best.gain > 0 && edits.tried < MAX_TRIED; best = edits.bestShift()) {
            edits.distance = edits.new Distance(best.shifted, edits.distance);
            edits.hypothesis = best.shifted;
            shifts++;
        }
        return shifts + edits.distance.value();
    }

    /** @param gain by how much it lowers the edit distance */
    private record Shift(int gain, int length, int start, int target, String[] shifted) {

        boolean isBetterThan(Shift other) {
            if (other == null) {
                return true;
            }
            int[] mine = {gain, length, -start, -target};
            return Arrays.compare(mine, new int[] {other.gain, other.length, -other.start, -other.target}) > 0;
        }
    }

    /** Null if no shift is to be tried. */
    private Shift bestShift() {
        Alignment alignment = new Alignment(distance);
        Shift best = null;
        for (int h = 0; h < hypothesis.length; h++) {
            int near = Math.min(reference.length, h + MAX_SHIFT_DISTANCE + 1);
            for (int r = Math.max(0, h - MAX_SHIFT_DISTANCE); r < near; r++) {
                int most = Math.min(MAX_SHIFT_WORDS, Math.min(hypothesis.length - h, reference.length - r));
                for (int length = 1; length <= most && hypothesis[h + length - 1].equals(reference[r + length - 1]); length++) {
                    if (alignment.mayGain(h, r, length)) {
                        best = bestTarget(alignment, h, r, length, best);
                        if (tried >= MAX_TRIED) {
                            return best;
                        }
                    }
                }
            }
        }
        return best;
    }

    /** Tries to put the words at h beside each of those that the words at r are aligned with. */
    private Shift bestTarget(Alignment alignment, int h, int r, int length, Shift best) {
        Shift better = best;
        int before = -1;
        for (int offset = -1; offset < length; offset++) {
            int target = r + offset < 0 ? 0 : alignment.ofReference[r + offset] + 1;
            if (target != before) {
                before = target;
                String[] shifted = shift(h, length, target);
                Shift shift = new Shift(distance.value() - new Distance(shifted, distance).value(), length, h, target, shifted);
                tried++;
                if (shift.isBetterThan(better)) {
                    better = shift;
                }
            }
        }
        return better;
    }

    private String[] shift(int start, int length, int target) {
        List<String> words = new ArrayList<>(Arrays.asList(hypothesis));
        List<String> moved = new ArrayList<>(words.subList(start, start + length));
        words.subList(start, start + length).clear();
        int at = target < start ? target : target > start + length ? target - length : Math.min(target, words.size());
        words.addAll(at, moved);
        return words.toArray(String[]::new);
    }

    /** Which words of the hypothesis stand for which of the reference, and which are wrong. */
    private final class Alignment {

        private final int[] ofReference = new int[reference.length];
        private final boolean[] wrongInHypothesis = new boolean[hypothesis.length];
        private final boolean[] wrongInReference = new boolean[reference.length];

        Alignment(Distance distance) {
            int h = -1;
            int r = -1;
            for (Edit edit : distance.edits()) {
                h += edit == Edit.INSERT ? 0 : 1;
                r += edit == Edit.DELETE ? 0 : 1;
                if (edit != Edit.DELETE) {
                    ofReference[r] = h;
                    wrongInReference[r] = edit != Edit.KEEP;
                }
                if (edit != Edit.INSERT) {
                    wrongInHypothesis[h] = edit != Edit.KEEP;
                }
            }
        }

        /** Something is wrong on both sides, and the words would not go to where they are. */
        boolean mayGain(int h, int r, int length) {
            boolean wrong = false;
            boolean wrongThere = false;
            for (int i = 0; i < length; i++) {
                wrong |= wrongInHypothesis[h + i];
                wrongThere |= wrongInReference[r + i];
            }
            boolean within = h <= ofReference[r] && ofReference[r] < h + length;
            return wrong && wrongThere && !within;
        }
    }

    /** The edit distance of some order of the hypothesis's words. */
    private final class Distance {

        private final String[] words;
        private final Row[] rows; // of turning the first i words into the reference's first j

        /** The costs and edits that were looked for, of j from {@code from} on; all others are out of reach. */
        private final class Row {

            private final int from;
            private final int[] costs;
            private final Edit[] edits;

            Row(int from, int end) {
                this.from = from;
                costs = new int[end - from];
                edits = new Edit[end - from];
                Arrays.fill(costs, UNREACHED);
            }

            int cost(int j) {
                return j < from || j >= from + costs.length ? UNREACHED : costs[j - from];
            }

            Edit edit(int j) {
                return j < from || j >= from + costs.length ? null : edits[j - from];
            }

            void take(int j, int cost, Edit edit) {
                if (cost < costs[j - from]) {
                    costs[j - from] = cost;
                    edits[j - from] = edit;
                }
            }
        }

        /** @param known of as many words, perhaps beginning alike: those rows are taken over; may be null */
        Distance(String[] words, Distance known) {
            this.words = words;
            rows = new Row[words.length + 1];
            int same = known == null ? 0 : Arrays.mismatch(words, known.words);
            int taken = known == null ? 0 : (same < 0 ? words.length : same) + 1;
            if (known != null) {
                System.arraycopy(known.rows, 0, rows, 0, taken);
            } else {
                rows[0] = new Row(0, reference.length + 1);
                for (int j = 0; j <= reference.length; j++) {
                    rows[0].take(j, j, Edit.INSERT);
                }
                taken = 1;
            }
            fill(taken);
        }

        private void fill(int first) {
            double ratio = words.length == 0 ? 1 : (double) reference.length / words.length;
            int beam = BEAM < ratio / 2 ? (int) Math.ceil(ratio / 2 + BEAM) : BEAM;
            for (int i = first; i <= words.length; i++) {
                int diagonal = (int) Math.floor(i * ratio);
                int end = i == words.length ? reference.length + 1 : Math.min(reference.length + 1, diagonal + beam);
                Row before = rows[i - 1];
                Row row = new Row(Math.max(0, diagonal - beam), end);
                for (int j = row.from; j < end; j++) {
                    if (j > 0) {
                        boolean equal = words[i - 1].equals(reference[j - 1]);
                        row.take(j, before.cost(j - 1) + (equal ? 0 : 1), equal ? Edit.KEEP : Edit.SUBSTITUTE);
                    }
                    row.take(j, before.cost(j) + 1, Edit.DELETE);
                    if (j > 0) {
                        row.take(j, row.cost(j - 1) + 1, Edit.INSERT);
                    }
                }
                rows[i] = row;
            }
        }

        int value() {
            return rows[words.length].cost(reference.length);
        }

        /** From the first word to the last. */
        List<Edit> edits() {
            List<Edit> path = new ArrayList<>();
            int i = words.length;
            int j = reference.length;
            while (i > 0 || j > 0) {
                Edit edit = rows[i].edit(j);
                path.add(edit);
                i -= edit == Edit.INSERT ? 0 : 1;
                j -= edit == Edit.DELETE ? 0 : 1;
            }
            return path.reversed();
        }
    }
}
