package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.lora4j.LoraException;
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

    /** A line has at most so many places where a word may go; 14,000 equal words on both sides come to it. */
    private static final long MOST_CANDIDATES = 200_000_000;

    /** How two words match, by the module that says so. */
    enum Module { EXACT, STEM, SYNONYM }

    /** That a word of the reference goes with one of the hypothesis. */
    record Match(Module module, int hypothesis, int reference) { }

    /** The words of the hypothesis that a word matches, in the order of the modules and then of the text. */
    private record Candidates(Module[] modules, int[] words) {

        int size() {
            return words.length;
        }
    }

    private final List<Word> hypothesis;
    private final List<Word> reference;
    private final Candidates[] candidates; // by place in the reference
    private final int[] rivalsInHypothesis;

    private MeteorAligner(List<Word> hypothesis, List<Word> reference) {
        this.hypothesis = hypothesis;
        this.reference = reference;
        candidates = new Candidates[reference.size()];
        rivalsInHypothesis = new int[hypothesis.size()];
    }

    /**
     * The matches, in the order of the reference.
     *
     * @throws LoraException if the two have so many words in common that the search would take minutes
     */
    static List<Match> align(List<Word> hypothesis, List<Word> reference) {
        MeteorAligner aligner = new MeteorAligner(hypothesis, reference);
        boolean same = hypothesis.stream().map(Word::text).toList().equals(reference.stream().map(Word::text).toList());
        aligner.propose(same ? EnumSet.of(Module.EXACT) : EnumSet.allOf(Module.class));
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

    private void propose(Set<Module> modules) {
        Map<String, List<Integer>> byText = new HashMap<>();
        Map<String, List<Integer>> byStem = new HashMap<>();
        Map<Integer, List<Integer>> byMeaning = new HashMap<>();
        for (int h = 0; h < hypothesis.size(); h++) {
            Word word = hypothesis.get(h);
            byText.computeIfAbsent(word.text(), key -> new ArrayList<>()).add(h);
            byStem.computeIfAbsent(word.stem(), key -> new ArrayList<>()).add(h);
            for (int meaning : modules.contains(Module.SYNONYM) ? word.meanings() : Set.<Integer>of()) {
                byMeaning.computeIfAbsent(meaning, key -> new ArrayList<>()).add(h);
            }
        }
        Map<String, Candidates> known = new HashMap<>(); // a word that comes often has one list
        long total = 0;
        for (int r = 0; r < candidates.length; r++) {
            Word word = reference.get(r);
            candidates[r] = known.computeIfAbsent(word.text(), text -> candidates(word, modules, byText, byStem, byMeaning));
            total += candidates[r].size();
            if (total > MOST_CANDIDATES) {
                throw new LoraException("METEOR: a text of " + hypothesis.size() + " words and a reference of " + reference.size()
                        + " have too many words in common to be aligned in reasonable time. Split them into sentences, a line each");
            }
            for (int h : candidates[r].words) {
                rivalsInHypothesis[h]++;
            }
        }
    }

    private Candidates candidates(Word word, Set<Module> modules, Map<String, List<Integer>> byText,
            Map<String, List<Integer>> byStem, Map<Integer, List<Integer>> byMeaning) {
        List<Module> by = new ArrayList<>();
        List<Integer> words = new ArrayList<>();
        for (Module module : modules) {
            Collection<Integer> found = switch (module) {
                case EXACT -> byText.getOrDefault(word.text(), List.of());
                case STEM -> byStem.getOrDefault(word.stem(), List.of());
                case SYNONYM -> {
                    Set<Integer> all = new TreeSet<>();
                    word.meanings().forEach(meaning -> all.addAll(byMeaning.getOrDefault(meaning, List.of())));
                    yield all;
                }
            };
            for (int h : found) {
                if (module == Module.EXACT || !hypothesis.get(h).text().equals(word.text())) {
                    by.add(module);
                    words.add(h);
                }
            }
        }
        return new Candidates(by.toArray(Module[]::new), words.stream().mapToInt(h -> h).toArray());
    }

    private boolean isWithoutRival(int r) {
        return candidates[r].size() == 1 && rivalsInHypothesis[candidates[r].words[0]] == 1;
    }

    private List<Match> search() {
        boolean[] used = new boolean[hypothesis.size()];
        for (int r = 0; r < reference.size(); r++) {
            if (isWithoutRival(r)) {
                used[candidates[r].words[0]] = true;
            }
        }
        List<Path> paths = List.of(new Path(null, used, 0, 0, 0, -1));
        for (int r = 0; r < reference.size(); r++) {
            Best best = new Best(r == reference.size() - 1);
            for (Path path : paths) {
                extend(path, r, best);
            }
            paths = best.paths();
        }
        List<Match> matches = new ArrayList<>();
        for (Chosen chosen = paths.getFirst().chosen; chosen != null; chosen = chosen.before) {
            matches.add(chosen.match);
        }
        return matches.reversed();
    }

    /** Offers what can become of a path at a word of the reference. */
    private void extend(Path path, int r, Best best) {
        Candidates possible = candidates[r];
        if (isWithoutRival(r)) {
            int h = possible.words[0];
            best.offer(path, possible.modules[0], h, r, path.distance + Math.abs(r - h));
            return;
        }
        long distance = path.distance;
        for (int i = 0; i < possible.size(); i++) {
            int h = possible.words[i];
            if (!path.used[h]) {
                best.offer(path, possible.modules[i], h, r, distance);
                // as METEOR 1.5 does: the distance of a match counts for the paths that do not take it
                distance += Math.abs(r - h);
            }
        }
        best.offerSkip(path, distance);
    }

    /**
     * The {@link #BEAM} best of all paths that are offered, the earlier of equals: most equal words, then fewest chunks, then
     * the least distance. Only what is among them becomes a path, since a line of equal words has millions.
     */
    private static final class Best {

        private final boolean last;
        private final List<Path> paths = new ArrayList<>(BEAM + 1);

        /** @param last whether paths end here, and with them the chunks that they are in */
        Best(boolean last) {
            this.last = last;
        }

        void offer(Path from, Module module, int h, int r, long distance) {
            int equalWords = from.equalWords + (module == Module.EXACT ? 2 : 0);
            int chunks = from.chunks + (from.chunkEnd != -1 && from.chunkEnd != h ? 1 : 0) + (last ? 1 : 0);
            int place = place(equalWords, chunks, distance);
            if (place < BEAM) {
                boolean[] used = from.used;
                if (!used[h]) {
                    used = used.clone();
                    used[h] = true;
                }
                insert(place, new Path(
                        new Chosen(from.chosen, new Match(module, h, r)), used, equalWords, chunks, distance, h + 1));
            }
        }

        void offerSkip(Path from, long distance) {
            int chunks = from.chunks + (from.chunkEnd != -1 ? 1 : 0);
            int place = place(from.equalWords, chunks, distance);
            if (place < BEAM) {
                insert(place, new Path(from.chosen, from.used, from.equalWords, chunks, distance, -1));
            }
        }

        private int place(int equalWords, int chunks, long distance) {
            int place = paths.size();
            while (place > 0 && paths.get(place - 1).isWorseThan(equalWords, chunks, distance)) {
                place--;
            }
            return place;
        }

        private void insert(int place, Path path) {
            paths.add(place, path);
            if (paths.size() > BEAM) {
                paths.removeLast();
            }
        }

        List<Path> paths() {
            return paths;
        }
    }

    /** A match and those chosen before it; null stands for none. */
    private record Chosen(Chosen before, Match match) { }

    /**
     * A choice for the words of the reference so far; never modified.
     *
     * @param used     words of the hypothesis
     * @param chunkEnd the word of the hypothesis that would go on with the chunk; -1 outside one
     */
    private record Path(Chosen chosen, boolean[] used, int equalWords, int chunks, long distance, int chunkEnd) {

        boolean isWorseThan(int otherEqualWords, int otherChunks, long otherDistance) {
            return equalWords != otherEqualWords ? equalWords < otherEqualWords
                    : chunks != otherChunks ? chunks > otherChunks : distance > otherDistance;
        }
    }
}
