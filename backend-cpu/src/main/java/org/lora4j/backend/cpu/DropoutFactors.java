package org.lora4j.backend.cpu;

import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.Philox;

/** Writes the factors of a {@link DropoutMask}, 0 for an element that is dropped and 1/(1 − p) for one that is kept. */
final class DropoutFactors {

    private final int key0;
    private final int key1;
    private final int site;
    private final int step;
    private final int threshold;
    private final float scale;

    DropoutFactors(DropoutMask mask) {
        key0 = (int) mask.seed();
        key1 = (int) (mask.seed() >>> 32);
        site = mask.site();
        step = (int) mask.step();
        threshold = mask.threshold();
        scale = (float) mask.scale();
    }

    /** How much longer than {@code count} the array must be that {@link #fill} writes to. */
    static final int MARGIN = 8;

    /**
     * Writes the factors of the elements first … first + count − 1 somewhere in {@code out} and says where. Philox
     * makes four words at once, so the beginning is where the first element's four begin.
     */
    int fill(long first, int count, float[] out) {
        int lane = (int) first & 3;
        long block = first >>> 2;
        int blocks = (lane + count + 3) >>> 2;
        for (int i = 0; i < blocks; i++, block++) {
            fillBlock(block, out, 4 * i);
        }
        return lane;
    }

    private void fillBlock(long block, float[] out, int at) {
        int c0 = (int) block;
        int c1 = (int) (block >>> 32);
        for (int lane = 0; lane < 4; lane++) {
            int word = Philox.word(key0, key1, c0, c1, site, step, lane);
            out[at + lane] = Integer.compareUnsigned(word, threshold) >= 0 ? scale : 0;
        }
    }
}
