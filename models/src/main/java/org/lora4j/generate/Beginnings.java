package org.lora4j.generate;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Prompts that were read, whose keys and values are still in the pool: a prompt that begins like one of them takes over its
 * rows. The one that was of use longest ago goes first, when there are many or the rows are wanted.
 *
 * <p>Of a prompt as many positions are computed again as a pass needs to sum like a pass over all of it, {@link Engine#MANY_ROWS}:
 * so keys, values and logits are the same bits, and nobody can tell whether a beginning was kept.
 */
final class Beginnings {

    /** A prompt that shares less is read as a whole. */
    private static final int LEAST = 16;
    private static final int MOST = 256;

    /** The least lately used first. */
    private final Deque<Kept> kept = new ArrayDeque<>();

    /** @param owner the adapter under which it was computed; equal by identity alone */
    private record Kept(Object owner, int[] tokens, Trail trail) {
    }

    /**
     * The rows of the longest beginning that a prompt shares with a kept one, as a trail of its own; null where it shares too
     * little.
     */
    @Nullable Trail find(Object owner, int[] prompt) {
        Kept best = null;
        int longest = LEAST - 1;
        for (Kept each : kept) {
            if (each.owner == owner) {
                int same = Arrays.mismatch(each.tokens, prompt);
                int shared = Math.min(same < 0 ? prompt.length : same, prompt.length - Engine.MANY_ROWS);
                if (shared > longest) {
                    longest = shared;
                    best = each;
                }
            }
        }
        if (best == null) {
            return null;
        }
        kept.remove(best);
        kept.addLast(best);
        return best.trail.fork(longest);
    }

    /** Keeps a prompt that was read. */
    void keep(Object owner, int[] prompt, Trail trail) {
        if (prompt.length < LEAST + Engine.MANY_ROWS) {
            return;
        }
        for (Iterator<Kept> each = kept.iterator(); each.hasNext();) {
            Kept other = each.next();
            if (other.owner == owner && isBeginning(other.tokens, prompt)) { // the longer one serves for it too
                other.trail.release();
                each.remove();
            }
        }
        kept.addLast(new Kept(owner, prompt, trail.fork()));
        if (kept.size() > MOST) {
            dropOne();
        }
    }

    private static boolean isBeginning(int[] tokens, int[] prompt) {
        return tokens.length <= prompt.length && Arrays.equals(tokens, 0, tokens.length, prompt, 0, tokens.length);
    }

    /** Lets go of the one that was of use longest ago; false where there is none. */
    boolean dropOne() {
        Kept oldest = kept.pollFirst();
        if (oldest != null) {
            oldest.trail.release();
        }
        return oldest != null;
    }

    /** Lets go of those of an adapter that is gone. */
    void drop(Object owner) {
        kept.removeIf(each -> {
            if (each.owner == owner) {
                each.trail.release();
            }
            return each.owner == owner;
        });
    }

    /** Positions that they name, those that several share counted for each. */
    long positions() {
        return kept.stream().mapToLong(each -> each.tokens.length).sum();
    }
}
