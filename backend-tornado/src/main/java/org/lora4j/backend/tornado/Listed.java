package org.lora4j.backend.tornado;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An operation that may be done for many operands in one launch: a fill, a copy, an AdamW update. Its kernel takes the
 * entries from a list of first elements, counted through all entries, and of each operand's offsets.
 */
final class Listed extends Operation {

    /** Beyond this, elements would no longer be counted by an int. */
    private static final long MOST_ELEMENTS = 1L << 30;

    private final Launch like;
    private final int listArg;
    private final List<int[]> entries = new ArrayList<>();
    private long elements;

    /**
     * @param like    the launch, without its list, its number of elements (args[0]) and of entries (args[1])
     * @param listArg the element of args that is to hold the list's offset
     */
    Listed(Launch like, int listArg) {
        super(null);
        this.like = like;
        this.listArg = listArg;
    }

    /** One entry more. */
    Listed entry(int count, int... offsets) {
        int[] entry = Arrays.copyOf(offsets, offsets.length + 1);
        entry[offsets.length] = count;
        entries.add(entry);
        elements += count;
        return this;
    }

    @Override
    boolean absorb(Operation next) {
        if (next instanceof Listed other && isLike(other) && elements + other.elements <= MOST_ELEMENTS
                && isIndependentOf(other)) {
            entries.addAll(other.entries);
            elements += other.elements;
            alsoTouch(other);
            return true;
        }
        return false;
    }

    private boolean isLike(Listed other) {
        return like.kernel() == other.like.kernel() && Arrays.equals(like.args(), other.like.args())
                && Arrays.equals(like.factors(), other.like.factors());
    }

    @Override
    Launch launch() {
        int count = entries.size();
        int operands = entries.getFirst().length - 1;
        int[] list = new int[count * (1 + operands)];
        int first = 0;
        for (int e = 0; e < count; e++) {
            int[] entry = entries.get(e);
            list[e] = first;
            for (int operand = 0; operand < operands; operand++) {
                list[(1 + operand) * count + e] = entry[operand];
            }
            first += entry[operands];
        }
        int[] args = like.args().clone();
        args[0] = first;
        args[1] = count;
        return new Launch(like.kernel(), args, like.factors(), new int[][] {list}, new int[] {list.length}, new int[] {listArg});
    }
}
