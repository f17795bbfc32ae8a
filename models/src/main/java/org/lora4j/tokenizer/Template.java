package org.lora4j.tokenizer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Puts special tokens around one text or two, all of token type 0, and cuts the texts to a length. */
final class Template {

    private Template() {
    }

    /** @param between null where there is one text only; then {@code second} is empty and {@code end} is not put */
    static Encoding around(
            int[] begin, int[] first, int[] afterFirst, int @Nullable [] between, int[] second, int[] end, Truncation truncation) {
        boolean pair = between != null;
        int added = begin.length + afterFirst.length + (pair ? between.length + end.length : 0);
        int[] kept = truncation.kept(first.length, second.length, pair, added);
        int[] ids = new int[added + kept[0] + kept[1]];
        boolean[] special = new boolean[ids.length];
        Arrays.fill(special, true);
        int at = put(begin, begin.length, false, ids, 0);
        Arrays.fill(special, at, at + kept[0], false);
        at = put(first, kept[0], truncation.side() == Side.LEFT, ids, at);
        at = put(afterFirst, afterFirst.length, false, ids, at);
        if (pair) {
            at = put(between, between.length, false, ids, at);
            Arrays.fill(special, at, at + kept[1], false);
            at = put(second, kept[1], truncation.side() == Side.LEFT, ids, at);
            put(end, end.length, false, ids, at);
        }
        return new Encoding(ids, new int[ids.length], special, first.length + second.length - kept[0] - kept[1]);
    }

    private static int put(int[] from, int count, boolean last, int[] to, int at) {
        System.arraycopy(from, last ? from.length - count : 0, to, at, count);
        return at + count;
    }
}
