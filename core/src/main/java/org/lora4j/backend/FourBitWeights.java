package org.lora4j.backend;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Weights in four bits, as QLoRA holds a frozen base (Dettmers et al. 2023): a number of sixteen times a scale for each block of
 * weights that follow each other, row behind row.
 *
 * <pre>
 *   w[i] = table[code[i]]·scale[i / block]          scale = max |w| over the block
 *   with double quantisation   scale[b] = levels[scaleCode[b]]·outer[b / outerBlock] + offset
 * </pre>
 *
 * <p>The table of NF4 has the quantiles of a normal distribution; that of a scale's eight bits is denser near 0. Products are
 * rounded to floats, so the values are those of bitsandbytes.
 */
public final class FourBitWeights {

    /** Weights of a block. */
    public static final int BLOCK = 64;
    /** Scales of a block of scales. */
    public static final int OUTER_BLOCK = 256;

    private static final float[] NF4 = {
        -1f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
        -0.09105003625154495f, 0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
        0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1f};
    private static final float[] LEVELS = levels();

    private final long count;
    private final byte[] codes;
    private final float[] table;
    private final int block;
    private final Scales scales;

    /**
     * The scales of the blocks.
     *
     * @param plain      one each; null where they are in eight bits
     * @param codes      of each its number in levels
     * @param levels     256 numbers
     * @param outer      what multiplies a level, for each outer block
     * @param outerBlock scales of one
     * @param offset     added to all
     */
    public record Scales(
            float @Nullable [] plain, byte @Nullable [] codes, float @Nullable [] levels, float @Nullable [] outer, int outerBlock,
            float offset) {

        /** As floats. */
        public static Scales of(float[] plain) {
            return new Scales(plain, null, null, null, 1, 0);
        }

        /** How many there are. */
        public int count() {
            return plain != null ? plain.length : codes.length;
        }

        /** The scale of a block. */
        public float get(int b) {
            return plain != null ? plain[b] : levels[codes[b] & 0xFF] * outer[b / outerBlock] + offset;
        }
    }

    /**
     * Weights as a file has them, four bits each.
     *
     * @param count  weights
     * @param codes  two in a byte, the first in its upper half
     * @param table  16 numbers
     * @param block  weights that share a scale
     * @throws IllegalArgumentException if the sizes do not go together
     */
    public FourBitWeights(long count, byte[] codes, float[] table, int block, Scales scales) {
        if (codes.length != (count + 1) / 2 || table.length != 16 || scales.count() != (count + block - 1) / block) {
            throw new IllegalArgumentException(count + " weights in " + codes.length + " bytes with " + scales.count() + " scales of "
                    + block + " weights and a table of " + table.length);
        }
        this.count = count;
        this.codes = codes;
        this.table = table;
        this.block = block;
        this.scales = scales;
    }

    /** Weights. */
    public long count() {
        return count;
    }

    /** Weights that share a scale. */
    public int block() {
        return block;
    }

    /** The scale of a block. */
    public float scale(int b) {
        return scales.get(b);
    }

    /** Two weights in a byte, the first in its upper half, for kernels that take them apart themselves; not to be written. */
    public byte[] codes() {
        return codes;
    }

    /** The sixteen numbers that codes stand for. */
    public float[] table() {
        return table.clone();
    }

    /** Bytes that they take, scales among them. */
    public long bytes() {
        return codes.length + (scales.plain != null ? 4L * scales.plain.length : scales.codes.length + 4L * scales.outer.length);
    }

    /** dst[to … to + length − 1] ← the weights from {@code from} on. */
    public void expand(long from, float[] dst, int to, int length) {
        float[] values = new float[16];
        int done = 0;
        while (done < length) {
            long first = from + done;
            int b = (int) (first / block);
            int run = (int) Math.min(length - done, (b + 1L) * block - first);
            float scale = scales.get(b);
            for (int k = 0; k < 16; k++) {
                values[k] = table[k] * scale;
            }
            expandRun(first, values, dst, to + done, run);
            done += run;
        }
    }

    private void expandRun(long first, float[] values, float[] dst, int to, int run) {
        int i = 0;
        if ((first & 1) != 0) {
            dst[to] = values[codes[(int) (first >> 1)] & 15];
            i = 1;
        }
        int at = (int) (first + i >> 1);
        for (; i + 1 < run; i += 2, at++) {
            int two = codes[at];
            dst[to + i] = values[two >> 4 & 15];
            dst[to + i + 1] = values[two & 15];
        }
        if (i < run) {
            dst[to + i] = values[codes[at] >> 4 & 15];
        }
    }

    // ------------------------------------------------------------------------------------------------ quantisation

    /** Takes weights from the first to the last and makes NF4 of them, with double quantisation of the scales. */
    public static final class Builder {

        private final long count;
        private final byte[] codes;
        private final float[] scales;

        /** Begins a tensor of {@code count} weights, still without any. */
        public Builder(long count) {
            this.count = count;
            codes = new byte[Math.toIntExact((count + 1) / 2)];
            scales = new float[Math.toIntExact((count + BLOCK - 1) / BLOCK)];
        }

        /**
         * The weights {@code first} to {@code first + length − 1}.
         *
         * @param first  a multiple of {@link #BLOCK}
         * @param length likewise, unless they are the last
         */
        public void put(float[] src, int from, long first, int length) {
            if (first % BLOCK != 0 || length % BLOCK != 0 && first + length != count) {
                throw new IllegalArgumentException("weights " + first + " to " + (first + length - 1) + " of " + count
                        + ": four bits are written in whole blocks of " + BLOCK);
            }
            for (int done = 0; done < length; done += BLOCK) {
                block(src, from + done, first + done, Math.min(BLOCK, length - done));
            }
        }

        private void block(float[] src, int from, long first, int length) {
            float largest = 0;
            for (int i = 0; i < length; i++) {
                largest = Math.max(largest, Math.abs(src[from + i]));
            }
            scales[(int) (first / BLOCK)] = largest;
            float inverse = largest == 0 ? 0 : 1 / largest;
            for (int i = 0; i < length; i++) {
                int code = nearest(NF4, src[from + i] * inverse);
                int at = (int) (first + i >> 1);
                codes[at] |= (byte) ((first + i & 1) == 0 ? code << 4 : code);
            }
        }

        /** All of them. */
        public FourBitWeights build() {
            double sum = 0;
            for (float scale : scales) {
                sum += scale;
            }
            float offset = (float) (sum / scales.length);
            byte[] eight = new byte[scales.length];
            float[] outer = new float[(scales.length + OUTER_BLOCK - 1) / OUTER_BLOCK];
            for (int b = 0; b < outer.length; b++) {
                int to = Math.min(scales.length, (b + 1) * OUTER_BLOCK);
                for (int i = b * OUTER_BLOCK; i < to; i++) {
                    outer[b] = Math.max(outer[b], Math.abs(scales[i] - offset));
                }
                for (int i = b * OUTER_BLOCK; i < to; i++) {
                    eight[i] = (byte) nearest(LEVELS, outer[b] == 0 ? 0 : (scales[i] - offset) * (1 / outer[b]));
                }
            }
            return new FourBitWeights(count, codes, NF4, BLOCK, new Scales(null, eight, LEVELS, outer, OUTER_BLOCK, offset));
        }
    }

    /** The number of the entry of an ascending table that is nearest; the lower one of two that are as near. */
    static int nearest(float[] table, float x) {
        int at = Arrays.binarySearch(table, x);
        if (at >= 0) {
            return at;
        }
        int above = -at - 1;
        if (above == 0 || above == table.length) {
            return above == 0 ? 0 : table.length - 1;
        }
        float middle = (table[above - 1] + table[above]) * 0.5f;
        return x > middle ? above : above - 1;
    }

    /** bitsandbytes' dynamic map: seven decades of numbers of either sign, each with twice as many as the one below; 0 and 1. */
    private static float[] levels() {
        float[] levels = new float[256];
        int at = 0;
        for (int decade = 0; decade < 7; decade++) {
            int count = 1 << decade;
            double step = 0.9 / count;
            for (int i = 0; i < count; i++) {
                float low = (float) (0.1 + i * step);
                float high = i == count - 1 ? 1f : (float) (0.1 + (i + 1) * step);
                float level = (float) Math.pow(10, decade - 6) * ((low + high) / 2);
                levels[at++] = level;
                levels[at++] = -level;
            }
        }
        levels[at++] = 0;
        levels[at] = 1;
        Arrays.sort(levels);
        return levels;
    }

    /** The sixteen numbers of NF4. */
    public static float[] normalTable() {
        return NF4.clone();
    }

    /** The 256 numbers that scales are made of. */
    public static float[] scaleTable() {
        return LEVELS.clone();
    }
}
