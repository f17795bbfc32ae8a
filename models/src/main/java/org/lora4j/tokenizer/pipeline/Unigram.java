package org.lora4j.tokenizer.pipeline;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;

/**
 * The likeliest cut of a text into tokens, if each has a probability and they are independent (Kudo 2018):
 *
 * <pre>
 *   best(0) = 0      best(j) = max over tokens t that end at j of  best(j − |t|) + score(t)      score = log of the probability
 * </pre>
 *
 * A character that is no token of its own may also be unknown, with a score of 10 below the lowest. Of several cuts with one
 * score the first found counts, from left to right, short tokens first. Unknown characters side by side are one token.
 */
public final class Unigram implements SubwordModel {

    private static final double UNKNOWN_PENALTY = 10;
    private static final int NOWHERE = -1;

    private final List<String> tokens;
    private final Map<String, Integer> ids = new LinkedHashMap<>();
    private final double[] scores;
    private final @Nullable Integer unknown;
    private final int @Nullable [] bytes;
    private final double unknownScore;
    private final boolean single;
    private final CharTrie trie = new CharTrie();
    private final WordCache cache = new WordCache();

    /**
     * @param unknown      the id of the token for what is unknown; null for none
     * @param byteFallback whether what is unknown is spelt in tokens such as {@code <0xE2>} where they are there
     */
    public Unigram(List<String> tokens, double[] scores, @Nullable Integer unknown, boolean byteFallback) {
        this(tokens, scores, unknown, byteFallback, null, Arrays.stream(scores).min().orElse(Double.POSITIVE_INFINITY));
    }

    /**
     * As SentencePiece has it where {@code inText} is given: with sums in single precision, which decides between cuts that
     * differ in order only.
     *
     * @param inText which tokens are looked for in a text; null for all
     * @param lowest the score that an unknown character's lies below
     */
    Unigram(
            List<String> tokens, double[] scores, @Nullable Integer unknown, boolean byteFallback, boolean @Nullable [] inText,
            double lowest) {
        this.tokens = List.copyOf(tokens);
        this.scores = scores.clone();
        this.unknown = unknown;
        for (int id = 0; id < tokens.size(); id++) {
            ids.put(tokens.get(id), id);
            if (inText == null || inText[id]) {
                trie.put(tokens.get(id), id);
            }
        }
        bytes = byteFallback ? Bpe.byteTokens(ids) : null;
        single = inText != null;
        unknownScore = single ? (float) (lowest - UNKNOWN_PENALTY) : lowest - UNKNOWN_PENALTY;
    }

    /** Where the longest of these tokens ends that begins here; {@code at} if none does. */
    static int longest(CharTrie tokens, String text, int at) {
        int end = at;
        int node = CharTrie.ROOT;
        for (int i = at; i < text.length(); i++) {
            node = tokens.next(node, text.charAt(i));
            if (node == CharTrie.NONE) {
                break;
            }
            end = tokens.token(node) == CharTrie.NONE ? end : i + 1;
        }
        return end;
    }

    @Override
    public void encode(String word, IntConsumer out) {
        cache.encode(word, out, ids -> best(word, ids));
    }

    private void best(String text, IntConsumer out) {
        int n = text.length();
        double[] best = new double[n + 1];
        int[] from = new int[n + 1]; // where the last token of the best cut up to here begins
        int[] last = new int[n + 1];
        Arrays.fill(from, NOWHERE);
        for (int start = 0; start < n; ) {
            int next = start + Character.charCount(text.codePointAt(start));
            boolean single = false;
            int node = CharTrie.ROOT;
            for (int i = start; i < n; i++) {
                node = trie.next(node, text.charAt(i));
                if (node == CharTrie.NONE) {
                    break;
                }
                int token = trie.token(node);
                if (token != CharTrie.NONE) {
                    offer(best, from, last, start, i + 1, token, scores[token]);
                    single |= i + 1 == next;
                }
            }
            if (!single) {
                offer(best, from, last, start, next, unknown == null ? NOWHERE : unknown, unknownScore);
            }
            start = next;
        }
        handOn(text, from, last, out);
    }

    private void offer(double[] best, int[] from, int[] last, int start, int end, int token, double score) {
        double sum = single ? (float) (score + best[start]) : score + best[start];
        if (from[end] == NOWHERE || sum > best[end]) {
            best[end] = sum;
            from[end] = start;
            last[end] = token;
        }
    }

    private void handOn(String text, int[] from, int[] last, IntConsumer out) {
        List<String> pieces = new ArrayList<>();
        int end = text.length();
        while (end > 0) {
            int start = from[end];
            if (last[end] == NOWHERE) {
                throw new LoraException("the tokenizer does not know the character '" + text.substring(start, end)
                        + "', and its model has no unk_id for that");
            }
            if (unknown != null && last[end] == unknown) { // unknown ones side by side are one
                while (start > 0 && last[start] == unknown) {
                    start = from[start];
                }
            }
            pieces.add(text.substring(start, end));
            end = start;
        }
        for (String piece : pieces.reversed()) {
            Integer id = ids.get(piece);
            if (id != null) {
                out.accept(id);
            } else if (!spell(piece, out)) {
                out.accept(unknown);
            }
        }
    }

    /** Whether all bytes have tokens. */
    private boolean spell(String piece, IntConsumer out) {
        if (bytes == null) {
            return false;
        }
        byte[] utf8 = piece.getBytes(StandardCharsets.UTF_8);
        for (byte b : utf8) {
            if (bytes[b & 0xFF] < 0) {
                return false;
            }
        }
        for (byte b : utf8) {
            out.accept(bytes[b & 0xFF]);
        }
        return true;
    }

    @Override
    public Map<String, Integer> vocabulary() {
        return ids;
    }

    @Override
    public @Nullable String token(int id) {
        return id >= 0 && id < tokens.size() ? tokens.get(id) : null;
    }

    @Override
    public String describe() {
        return "Unigram " + unknown + " " + (bytes != null) + " " + Arrays.hashCode(scores);
    }
}
