package org.lora4j.tokenizer.pipeline;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * The joining of one word's symbols. Pairs wait in a heap by rank and place; the symbols are a linked list, and a pair that no
 * longer stands where it waited is passed over. n·log n for n symbols, since a word can be as long as the text.
 */
final class BpeWord {

    private static final int END = -1;
    private static final int JOINED = -1; // in place of a symbol that its left neighbour has taken in

    private final MergeTable merges;
    private final int[] symbol;
    private final int[] next;
    private final int[] previous;
    private long[] heap; // rank in the high half, place in the low half
    private int[] result; // what the pair gives, beside the heap
    private int waiting;

    /** @param symbols overwritten */
    BpeWord(int[] symbols, MergeTable merges) {
        this.merges = merges;
        this.symbol = symbols;
        int n = symbols.length;
        next = new int[n];
        previous = new int[n];
        heap = new long[Math.max(8, n)];
        result = new int[heap.length];
        for (int i = 0; i < n; i++) {
            next[i] = i + 1 < n ? i + 1 : END;
            previous[i] = i - 1;
        }
    }

    /** Hands the tokens on in order. */
    void join(IntConsumer out) {
        for (int i = 0; i + 1 < symbol.length; i++) {
            push(i);
        }
        while (waiting > 0) {
            int place = (int) heap[0];
            int expected = result[0];
            pop();
            int right = symbol[place] == JOINED ? END : next[place];
            // as in the library: another pair that gives the same token will do
            if (right != END && merges.rank(symbol[place], symbol[right]) != MergeTable.NONE
                    && merges.result(symbol[place], symbol[right]) == expected) {
                take(place, right, expected);
            }
        }
        for (int id : symbol) {
            if (id != JOINED) {
                out.accept(id);
            }
        }
    }

    private void take(int place, int right, int token) {
        symbol[place] = token;
        symbol[right] = JOINED;
        next[place] = next[right];
        if (next[right] != END) {
            previous[next[right]] = place;
        }
        if (previous[place] != END) {
            push(previous[place]);
        }
        push(place);
    }

    private void push(int place) {
        int right = next[place];
        int rank = right == END ? MergeTable.NONE : merges.rank(symbol[place], symbol[right]);
        if (rank == MergeTable.NONE) {
            return;
        }
        if (waiting == heap.length) {
            heap = Arrays.copyOf(heap, waiting * 2);
            result = Arrays.copyOf(result, waiting * 2);
        }
        long entry = (long) rank << 32 | place;
        int token = merges.result(symbol[place], symbol[right]);
        int at = waiting++;
        while (at > 0 && heap[at - 1 >>> 1] > entry) {
            heap[at] = heap[at - 1 >>> 1];
            result[at] = result[at - 1 >>> 1];
            at = at - 1 >>> 1;
        }
        heap[at] = entry;
        result[at] = token;
    }

    private void pop() {
        waiting--;
        long entry = heap[waiting];
        int token = result[waiting];
        int at = 0;
        while (2 * at + 1 < waiting) {
            int child = 2 * at + 1;
            if (child + 1 < waiting && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= entry) {
                break;
            }
            heap[at] = heap[child];
            result[at] = result[child];
            at = child;
        }
        heap[at] = entry;
        result[at] = token;
    }
}
