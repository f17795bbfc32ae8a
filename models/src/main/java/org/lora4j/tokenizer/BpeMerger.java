package org.lora4j.tokenizer;

import java.util.Arrays;
import java.util.PriorityQueue;
import org.lora4j.tokenizer.pipeline.MergeTable;

/**
 * The merging of byte-pair encoding, on one word: as long as any two neighbours join, take the pair of lowest rank and
 * join it everywhere in the word, from left to right (Sennrich et al. 2016, as GPT-2 does it).
 *
 * <p>Looking for the lowest pair anew each time costs n² in a word of n bytes, and a word can be as long as the text: a
 * line of dashes, a page in a script without spaces. Here the pairs wait in a queue by rank and place, so it is n·log n.
 * Tokens keep the place of their first byte; what was joined to its left neighbour leaves the linked list, and a pair in
 * the queue that no longer stands there is passed over.
 */
final class BpeMerger {

    private static final int END = -1;
    private static final int JOINED = -1; // in place of a token that its left neighbour has taken in

    private final MergeTable merges;
    private final int[] token;
    private final int[] next;
    private final int[] previous;
    private final PriorityQueue<Long> queue = new PriorityQueue<>(); // rank in the high half, place in the low half

    private BpeMerger(int[] tokens, MergeTable merges) {
        this.merges = merges;
        this.token = tokens;
        int n = tokens.length;
        next = new int[n];
        previous = new int[n];
        for (int i = 0; i < n; i++) {
            next[i] = i + 1 < n ? i + 1 : END;
            previous[i] = i - 1;
        }
    }

    /**
     * The tokens of a word.
     *
     * @param bytes one token for each byte; overwritten
     */
    static int[] merge(int[] bytes, MergeTable merges) {
        return new BpeMerger(bytes, merges).run();
    }

    private int[] run() {
        for (int i = 0; i + 1 < token.length; i++) {
            enqueue(i);
        }
        int[] joinedAt = new int[token.length];
        while (!queue.isEmpty()) {
            int rank = rankOf(queue.peek());
            int joined = 0;
            while (!queue.isEmpty() && rankOf(queue.peek()) == rank) {
                int place = placeOf(queue.poll());
                if (rankAt(place) == rank) {
                    join(place);
                    joinedAt[joined++] = place;
                }
            }
            // only now: a new pair of lower rank must wait until this one is joined in the whole word
            for (int i = 0; i < joined; i++) {
                enqueue(joinedAt[i]);
                enqueue(previous[joinedAt[i]]);
            }
        }
        return Arrays.stream(token).filter(id -> id != JOINED).toArray();
    }

    private void join(int place) {
        int right = next[place];
        token[place] = merges.result(token[place], token[right]);
        token[right] = JOINED;
        next[place] = next[right];
        if (next[right] != END) {
            previous[next[right]] = place;
        }
    }

    private void enqueue(int place) {
        int rank = rankAt(place);
        if (rank != MergeTable.NONE) {
            queue.add((long) rank << 32 | place);
        }
    }

    /** The rank of the pair that begins at a place now. */
    private int rankAt(int place) {
        if (place == END || token[place] == JOINED || next[place] == END) {
            return MergeTable.NONE;
        }
        return merges.rank(token[place], token[next[place]]);
    }

    private static int rankOf(long entry) {
        return (int) (entry >>> 32);
    }

    private static int placeOf(long entry) {
        return (int) entry;
    }
}
