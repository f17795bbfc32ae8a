package org.lora4j.tokenizer.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.lora4j.tokenizer.Encoding;
import org.lora4j.tokenizer.Side;
import org.lora4j.tokenizer.Truncation;

/** The models against the plainest way of doing the same, on words of few letters, so that much can be cut in many ways. */
class SubwordProperties {

    private static final String LETTERS = "abé👍";

    private static String word(Random random, int longest) {
        int[] letters = LETTERS.codePoints().toArray();
        StringBuilder word = new StringBuilder();
        for (int i = random.nextInt(longest); i >= 0; i--) {
            word.appendCodePoint(letters[random.nextInt(letters.length)]);
        }
        return word.toString();
    }

    private static List<Integer> ids(SubwordModel model, String word) {
        List<Integer> ids = new ArrayList<>();
        model.encode(word, ids::add);
        return ids;
    }

    private static Map<String, Integer> vocabulary(Random random, String... first) {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (String token : first) {
            ids.put(token, ids.size());
        }
        for (int i = 0; i < 25; i++) {
            ids.putIfAbsent(word(random, 4), ids.size());
        }
        return ids;
    }

    @Property
    void wordPiecesAreTheLongestThatFitFromTheLeft(@ForAll long seed) {
        Random random = new Random(seed);
        Map<String, Integer> ids = vocabulary(random, "?");
        for (int i = 0; i < 25; i++) {
            ids.putIfAbsent("##" + word(random, 4), ids.size());
        }
        String word = word(random, 12);

        List<Integer> expected = new ArrayList<>();
        for (int from = 0; from < word.length(); ) {
            int to = word.length();
            while (to > from && !ids.containsKey((from == 0 ? "" : "##") + word.substring(from, to))) {
                to--;
            }
            if (to == from) {
                expected = List.of(0);
                break;
            }
            expected.add(ids.get((from == 0 ? "" : "##") + word.substring(from, to)));
            from = to;
        }

        assertThat(ids(new WordPiece(ids, "?", "##", 100), word)).isEqualTo(expected);
        assertThat(ids(new WordPiece(ids, "?", "##", word.codePointCount(0, word.length()) - 1), word)).containsExactly(0);
    }

    @Property
    void noCutOfAWordHasABetterSumOfScoresThanUnigrams(@ForAll long seed) {
        Random random = new Random(seed);
        List<String> tokens = List.copyOf(vocabulary(random, "?", "a", "b", "é", "👍").keySet());
        double[] scores = random.doubles(tokens.size(), -9, -1).toArray();
        String word = word(random, 9);

        Map<String, Double> score = new HashMap<>();
        for (int id = 1; id < scores.length; id++) {
            score.put(tokens.get(id), scores[id]);
        }
        double sum = 0;
        StringBuilder together = new StringBuilder();
        for (int id : ids(new Unigram(tokens, scores, 0, false), word)) {
            sum += scores[id];
            together.append(tokens.get(id));
        }

        assertThat(together).hasToString(word);
        // the sums are of at most nine numbers below 10, in another order
        assertThat(sum).isCloseTo(best(word, score), within(1e-9));
    }

    private static double best(String word, Map<String, Double> score) {
        double best = word.isEmpty() ? 0 : Double.NEGATIVE_INFINITY;
        for (int to = 1; to <= word.length(); to++) {
            Double known = score.get(word.substring(0, to));
            if (known != null) {
                best = Math.max(best, known + best(word.substring(to), score));
            }
        }
        return best;
    }

    @Test
    void unknownCharactersSideBySideAreOneToken() {
        Unigram unigram = new Unigram(List.of("?", "a", "aé"), new double[] {0, -1, -2}, 0, false);
        assertThat(ids(unigram, "bbaébé👍a")).containsExactly(0, 2, 0, 1);
    }

    /** One pair at a time: the lowest rank, of several the first. */
    @Property
    void mergesJoinTheLowestPairFirstAndOfSeveralTheFirst(@ForAll long seed) {
        Random random = new Random(seed);
        Map<String, Integer> ids = new LinkedHashMap<>();
        LETTERS.codePoints().forEach(c -> ids.put(Character.toString(c), ids.size()));
        List<Bpe.Merge> merges = new ArrayList<>();
        List<String> tokens = new ArrayList<>(ids.keySet());
        for (int i = 0; i < 20; i++) {
            Bpe.Merge merge = new Bpe.Merge(tokens.get(random.nextInt(tokens.size())), tokens.get(random.nextInt(tokens.size())));
            if (!merges.contains(merge)) {
                merges.add(merge);
                ids.putIfAbsent(merge.left() + merge.right(), ids.size());
                tokens.add(merge.left() + merge.right());
            }
        }
        String word = word(random, 30);

        List<String> parts = new ArrayList<>();
        word.codePoints().forEach(c -> parts.add(Character.toString(c)));
        while (true) {
            int lowest = Integer.MAX_VALUE;
            int place = -1;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = merges.indexOf(new Bpe.Merge(parts.get(i), parts.get(i + 1)));
                if (rank >= 0 && rank < lowest) {
                    lowest = rank;
                    place = i;
                }
            }
            if (place < 0) {
                break;
            }
            parts.set(place, parts.get(place) + parts.remove(place + 1));
        }

        Bpe bpe = new Bpe(ids, merges, new Bpe.Options(null, false, "", "", false, false));
        // a pair that gives the same token by another way joins with the one that waited, as in the library
        if (merges.stream().map(merge -> merge.left() + merge.right()).distinct().count() == merges.size()) {
            assertThat(ids(bpe, word)).isEqualTo(parts.stream().map(ids::get).toList());
        }
        assertThat(String.join("", ids(bpe, word).stream().map(bpe::token).toList())).isEqualTo(word);
    }

    @Property
    void whatIsCutIsFromOneEndAndNoMoreThanNeeded(@ForAll long seed) {
        Random random = new Random(seed);
        int[] first = random.ints(random.nextInt(30), 10, 99).toArray();
        int[] second = random.ints(random.nextInt(30), 10, 99).toArray();
        int longest = 3 + random.nextInt(60);
        Side side = random.nextBoolean() ? Side.LEFT : Side.RIGHT;

        Encoding cut = Template.bert(1, 2).encode(first, second, Truncation.longestFirst(longest).from(side), first.length > second.length);

        assertThat(cut.length()).isEqualTo(Math.min(longest, first.length + second.length + 3));
        assertThat(cut.cut()).isEqualTo(first.length + second.length + 3 - cut.length());
        int middle = 1;
        while (cut.ids()[middle] != 2) {
            middle++;
        }
        assertEnd(first, java.util.Arrays.copyOfRange(cut.ids(), 1, middle), side);
        assertEnd(second, java.util.Arrays.copyOfRange(cut.ids(), middle + 1, cut.length() - 1), side);
    }

    private static void assertEnd(int[] whole, int[] kept, Side cutAt) {
        int from = cutAt == Side.LEFT ? whole.length - kept.length : 0;
        assertThat(kept).isEqualTo(java.util.Arrays.copyOfRange(whole, from, from + kept.length));
    }
}
