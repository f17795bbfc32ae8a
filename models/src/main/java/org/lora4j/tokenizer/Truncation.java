package org.lora4j.tokenizer;

import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;

/**
 * How many tokens a text or pair may have, its special tokens among them, and what is cut where there are more:
 *
 * <pre>
 *   LONGEST_FIRST   the longer of the two down to the other's length, then both to halves; the longer gets the odd token
 *   ONLY_FIRST      the first text                    ONLY_SECOND     the second text
 * </pre>
 *
 * With n₁ and n₂ the tokens of the two and m those that are left when the special tokens are taken off, LONGEST_FIRST leaves
 * min(n₁, m − n₂) beside n₂ if that is no less than n₂, the same the other way round, and else ⌊m/2⌋ and ⌈m/2⌉. With m = 0
 * none of the texts is left.
 *
 * @param maxLength at least 1; {@link Integer#MAX_VALUE} for no bound
 * @param which     which of the two texts is cut
 * @param side      at which end it is cut; null for the tokenizer's own ({@code truncation_side}), mostly the right
 */
public record Truncation(int maxLength, Which which, @Nullable Side side) {

    /** Nothing is cut. */
    public static final Truncation NONE = longestFirst(Integer.MAX_VALUE);

    /** Which of two texts is cut. */
    public enum Which {
        /** The longer one, a token at a time, until both fit. */
        LONGEST_FIRST,
        /** The first; the second stays whole. */
        ONLY_FIRST,
        /** The second; the first stays whole. */
        ONLY_SECOND
    }

    /** Requires at least 1 token. */
    public Truncation {
        if (maxLength < 1) {
            throw new LoraException("texts are to be cut to " + maxLength + " tokens, expected at least 1");
        }
    }

    /** Shortens the longer text of a pair first, token by token. */
    public static Truncation longestFirst(int maxLength) {
        return new Truncation(maxLength, Which.LONGEST_FIRST, null);
    }

    /** Shortens the first text only. */
    public static Truncation onlyFirst(int maxLength) {
        return new Truncation(maxLength, Which.ONLY_FIRST, null);
    }

    /** Shortens the second text only. */
    public static Truncation onlySecond(int maxLength) {
        return new Truncation(maxLength, Which.ONLY_SECOND, null);
    }

    /** The same, taking tokens away at that side. */
    public Truncation from(Side side) {
        return new Truncation(maxLength, which, side);
    }

    /**
     * How many tokens of the two texts are kept.
     *
     * @param first  of the first text, without special tokens
     * @param second of the second, 0 if there is none
     * @param pair   whether there is a second text
     * @param added  how many special tokens come to them
     * @param firstLonger which of the two counts as the longer where both lose some: it gets the odd token
     * @return two numbers, none above what was given
     * @throws LoraException if the text that may be cut is not long enough for it, or the special tokens alone are more
     */
    public int[] kept(int first, int second, boolean pair, int added, boolean firstLonger) {
        long surplus = (long) first + second + added - maxLength;
        if (surplus <= 0) {
            return new int[] {first, second};
        }
        int room = maxLength - added;
        if (room < 0) {
            throw new LoraException("texts are to be cut to " + maxLength + " tokens, and " + added
                    + " of them are special tokens: give them more");
        }
        if (room == 0) {
            return new int[] {0, 0};
        }
        if (which == Which.LONGEST_FIRST) {
            return pair ? longestFirst(first, second, room, firstLonger) : new int[] {room, 0};
        }
        int length = which == Which.ONLY_FIRST ? first : second;
        if (which == Which.ONLY_SECOND && !pair) {
            throw new LoraException("the second text is to be cut, and there is none: cut only the first, or the longest first");
        }
        if (length <= surplus) {
            throw new LoraException("only the " + (which == Which.ONLY_FIRST ? "first" : "second") + " text is to be cut, and "
                    + "of its " + length + " tokens " + surplus + " are too many for a length of " + maxLength
                    + ": give more, or cut the longest first");
        }
        return which == Which.ONLY_FIRST
                ? new int[] {(int) (first - surplus), second} : new int[] {first, (int) (second - surplus)};
    }

    private static int[] longestFirst(int first, int second, int room, boolean firstLonger) {
        int shorter = Math.min(first, second);
        if (2L * shorter > room) { // then even the shorter one alone has more than half
            return firstLonger ? new int[] {room - room / 2, room / 2} : new int[] {room / 2, room - room / 2};
        }
        return first <= second ? new int[] {first, room - first} : new int[] {room - second, second};
    }
}
