package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.lora4j.experiments.metrics.MeteorLexicon.Word;

/**
 * METEOR's alignment of a hypothesis with a reference: each word to at most one of the other side, by being equal, having
 * the same stem, or sharing a meaning.
 *
 * <p>Matches without a rival are taken at once. Among the others wanted is the alignment with the most equal words, then
 * the fewest chunks, then the least distance, looked for from left to right in the reference with a beam of 40. That is
 * METEOR 1.5 as its program is: by rounding, matches of stems and synonyms weigh nothing in this search, so that one with
 * a rival, be it the same pair of words by another module, is often left out.
 */
final class MeteorAligner {

    private static final int BEAM = 40;

    private static final Comparator<Path> BEST_FIRST = Comparator.<Path>comparingInt(path -> -path.equalWords)
            .thenComparingInt(path -> path.chunks).thenComparingInt(path -> path.distance);

    /** How two words match, by the module that says so. */
    enum Module { EXACT, STEM, SYNONYM }

    /** That a word of the reference goes with one of the hypothesis. */
    record Match(Module module, int hypothesis, int reference) { }

    private final List<Word> hypothesis;
    private final List<Word> reference;
    private final List<List<Match>> candidates = new ArrayList<>(); // by word of the reference
    private final int[] rivalsInHypothesis;

    private MeteorAligner(List<Word> hypothesis, List<Word> reference) {
        this.hypothesis = hypothesis;
        this.reference = reference;
        rivalsInHypothesis = new int[hypothesis.size()];
        reference.forEach(word -> candidates.add(new ArrayList<>()));
    }

    /** The matches, in the order of the reference. */
    static List<Match> align(List<Word> hypothesis, List<Word> reference) {
        MeteorAligner aligner = new MeteorAligner(hypothesis, reference);
        boolean same = hypothesis.stream().map(Word::text).toList().equals(reference.stream().map(Word::text).toList());
        aligner.propose(Module.EXACT);
        if (!same) {
            aligner.propose(Module.STEM);
            aligner.propose(Module.SYNONYM);
        }
        return aligner.search();
    }

    /** Runs of matches that are neighbours on both sides. */
    static int chunks(List<Match> matches) {
        int chunks = 0;
        for (int i = 0; i < matches.size(); i++) {
            Match match = matches.get(i);
            Match before = i == 0 ? null : matches.get(i - 1);
            if (before == null || match.reference != before.reference + 1 || match.hypothesis != before.hypothesis + 1) {
                chunks++;
            }
        }
        return chunks;
    }

    private void propose(Module module) {
        for (int r = 0; r < reference.size(); r++) {
            for (int h = 0; h < hypothesis.size(); h++) {
                Word ours = hypothesis.get(h);
                Word theirs = reference.get(r);
                boolean equal = ours.text().equals(theirs.text());
                boolean matches = switch (module) {
                    case EXACT -> equal;
                    case STEM -> !equal && ours.stem().equals(theirs.stem());
                    case SYNONYM -> !equal && ours.means(theirs);
                };
                if (matches) {
                    candidates.get(r).add(new Match(module, h, r));
                    rivalsInHypothesis[h]++;
                }
            }
        }
    }

    private boolean isWithoutRival(int r) {
        return candidates.get(r).size() == 1 && rivalsInHypothesis[candidates.get(r).getFirst().hypothesis] == 1;
    }

    private List<Match> search() {
        Path start = new Path(hypothesis.size());
        for (int r = 0; r < reference.size(); r++) {
            if (isWithoutRival(r)) {
                start.used[candidates.get(r).getFirst().hypothesis] = true;
            }
        }
        List<Path> paths = List.of(start);
        for (int r = 0; r < reference.size(); r++) {
            List<Path> next = new ArrayList<>();
            for (Path path : paths.stream().sorted(BEST_FIRST).limit(BEAM).toList()) {
                if (isWithoutRival(r)) {
                    path.take(candidates.get(r).getFirst());
                    next.add(path);
                    continue;
                }
                for (Match match : candidates.get(r)) {
                    if (!path.used[match.hypothesis]) {
                        Path taken = new Path(path);
                        taken.take(match);
                        // as METEOR 1.5 does: the distance of a match counts for the paths that do not take it
                        taken.distance = path.distance;
                        path.distance += Math.abs(match.reference - match.hypothesis);
                        next.add(taken);
                    }
                }
                path.skip();
                next.add(path);
            }
            paths = next;
        }
        paths.forEach(Path::skip);
        return paths.stream().min(BEST_FIRST).orElseThrow().matches;
    }

    /** A choice for the words of the reference so far. */
    private static final class Path {

        private final List<Match> matches;
        private final boolean[] used; // words of the hypothesis
        private int equalWords;
        private int chunks;
        private int distance;
        private int chunkEnd = -1; // the word of the hypothesis that would go on with the chunk; -1 outside one

        Path(int words) {
            matches = new ArrayList<>();
            used = new boolean[words];
        }

        Path(Path other) {
            matches = new ArrayList<>(other.matches);
            used = other.used.clone();
            equalWords = other.equalWords;
            chunks = other.chunks;
            distance = other.distance;
            chunkEnd = other.chunkEnd;
        }

        void take(Match match) {
            used[match.hypothesis] = true;
            matches.add(match);
            equalWords += match.module == Module.EXACT ? 2 : 0;
            distance += Math.abs(match.reference - match.hypothesis);
            if (chunkEnd != -1 && match.hypothesis != chunkEnd) {
                chunks++;
            }
            chunkEnd = match.hypothesis + 1;
        }

        void skip() {
            if (chunkEnd != -1) {
                chunks++;
                chunkEnd = -1;
            }
        }
    }
}
