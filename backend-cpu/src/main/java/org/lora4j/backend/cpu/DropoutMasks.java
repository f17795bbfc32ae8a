package org.lora4j.backend.cpu;

import java.util.HashMap;
import java.util.Map;
import org.lora4j.backend.DropoutMask;

/**
 * Which elements a mask keeps, a bit each, from the first time that it is asked for: backward asks for the masks of forward, and
 * to make one takes a hundred operations for a vector of them. A place in the model has one mask at a time, that of the newest
 * step; where it is too large to be kept, or was asked for in another cut, it is made again. The factors are the same either way.
 */
final class DropoutMasks {

    /** Sixteen bits in each: 32 MB. */
    private static final int MOST = 1 << 24;

    private final Map<Integer, Kept> places = new HashMap<>();
    private int total;

    /**
     * The factors of a mask whose elements are asked for in pieces that begin at whole vectors of a row.
     *
     * @param cut    says which elements are asked for: what is equal asks for the same ones
     * @return null where nothing is dropped
     */
    DropoutFactors factors(DropoutMask mask, int rows, int rowLength, Object cut) {
        if (mask.isNone()) {
            return null;
        }
        int stride = Math.ceilDiv(rowLength, VectorMath.LANES);
        if ((long) rows * stride > MOST) {
            return new DropoutFactors(mask);
        }
        int length = rows * stride;
        Kept kept = places.computeIfAbsent(mask.site(), site -> new Kept());
        boolean known = kept.complete && mask.equals(kept.mask) && cut.equals(kept.cut);
        if (!known) {
            if (kept.bits.length < length) {
                if (total - kept.bits.length + length > MOST) {
                    return new DropoutFactors(mask);
                }
                total += length - kept.bits.length;
                kept.bits = new short[length];
            }
            kept.begin(mask, cut, rowLength, stride);
        }
        return new DropoutFactors(mask, kept, known);
    }

    /** What is known of one place. */
    static final class Kept {
        private DropoutMask mask;
        private Object cut;
        private int rowLength;
        private int stride;
        private boolean complete;
        private short[] bits = new short[0];

        private void begin(DropoutMask mask, Object cut, int rowLength, int stride) {
            this.mask = mask;
            this.cut = cut;
            this.rowLength = rowLength;
            this.stride = stride;
            complete = false;
        }

        /** Where the bits of the vector are that begins with this element. */
        int at(long element) {
            long row = element / rowLength;
            return (int) row * stride + (int) (element - row * rowLength) / VectorMath.LANES;
        }

        short[] bits() {
            return bits;
        }

        /** All that will be asked for has been, so its bits are there. */
        void complete() {
            complete = true;
        }
    }
}
