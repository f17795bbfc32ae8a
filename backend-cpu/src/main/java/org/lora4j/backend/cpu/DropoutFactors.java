package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.lora4j.backend.DropoutMask;

/**
 * Writes the factors of a {@link DropoutMask}, 0 for an element that is dropped and 1/(1 − p) for one that is kept.
 *
 * <p>It is {@link org.lora4j.tensor.Philox} on vectors: each lane of four long vectors is one block of four words, and
 * the lower halves of the lanes are the words. The upper halves are whatever is left there; only a product's factors
 * are cleared before use.
 */
final class DropoutFactors {

    /** Lanes are blocks. */
    private static final VectorSpecies<Long> SPECIES = VectorSpecies.of(long.class, VectorMath.SPECIES.vectorShape());
    private static final int BLOCKS = SPECIES.length();
    private static final LongVector COUNT = LongVector.zero(SPECIES).addIndex(1);
    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, VectorMath.SPECIES.vectorShape());
    /** Of four floats the last two: with the shuffles below, what a block's third and fourth word say. */
    private static final VectorMask<Float> BACK = VectorMask.fromLong(VectorMath.SPECIES, 0xCCCC_CCCC_CCCC_CCCCL);
    /** Lanes 0 1 0 1 2 3 2 3 … of the lower half, and of the upper. Shuffles of two longs would not be compiled. */
    private static final VectorShuffle<Float> LOWER = VectorShuffle.fromOp(VectorMath.SPECIES, i -> i / 4 * 2 + i % 2);
    private static final VectorShuffle<Float> UPPER =
            VectorShuffle.fromOp(VectorMath.SPECIES, i -> LANES / 2 + i / 4 * 2 + i % 2);

    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int KEY_STEP_0 = 0x9E3779B9;
    private static final int KEY_STEP_1 = 0xBB67AE85;
    private static final long LOW_32 = 0xFFFFFFFFL;
    private static final long LOW_16 = 0xFFFF;
    private static final int ROUNDS = 10;

    /** How much longer than {@code count} the array must be that {@link #fill} writes to. */
    static final int MARGIN = 4 + 4 * BLOCKS;

    private final int key0;
    private final int key1;
    private final int site;
    private final int step;
    /** Less 2³¹: a signed comparison of numbers that are both shifted so is the unsigned one. */
    private final int threshold;
    /** 1/(1 − p)'s bits. */
    private final int scale;

    /** What is known of the mask; null where it is made each time. */
    private final DropoutMasks.Kept kept;
    private final boolean known;

    /** Factors that are made each time they are asked for. */
    DropoutFactors(DropoutMask mask) {
        this(mask, null, false);
    }

    /** @param known whether all bits are there; if not, they are written down as they are made */
    DropoutFactors(DropoutMask mask, DropoutMasks.Kept kept, boolean known) {
        this.kept = kept;
        this.known = known;
        key0 = (int) mask.seed();
        key1 = (int) (mask.seed() >>> 32);
        site = mask.site();
        step = (int) mask.step();
        threshold = mask.threshold() + Integer.MIN_VALUE;
        scale = Float.floatToRawIntBits((float) mask.scale());
    }

    /**
     * Writes the factors of the elements first … first + count − 1 somewhere in {@code out} and says where. Philox
     * makes four words at once, so the beginning is where the first element's four begin.
     */
    int fill(long first, int count, float[] out) {
        if (kept == null) {
            return make(first, count, out);
        }
        int at = kept.at(first);
        if (known) {
            recall(kept.bits(), at, count, out);
            return 0;
        }
        int begin = make(first, count, out);
        remember(out, begin, count, kept.bits(), at);
        return begin;
    }

    /** To be told when an operation has asked for all that it asks for. */
    void complete() {
        if (kept != null) {
            kept.complete();
        }
    }

    private static void remember(float[] factors, int begin, int count, short[] bits, int at) {
        for (int i = 0; i < count; i += LANES) {
            bits[at + i / LANES] = (short) FloatVector.fromArray(VectorMath.SPECIES, factors, begin + i)
                    .compare(VectorOperators.NE, 0).toLong();
        }
    }

    private void recall(short[] bits, int at, int count, float[] out) {
        FloatVector keep = FloatVector.broadcast(VectorMath.SPECIES, Float.intBitsToFloat(scale));
        FloatVector drop = FloatVector.zero(VectorMath.SPECIES);
        for (int i = 0; i < count; i += LANES) {
            drop.blend(keep, VectorMask.fromLong(VectorMath.SPECIES, bits[at + i / LANES] & LOW_16)).intoArray(out, i);
        }
    }

    private int make(long first, int count, float[] out) {
        int lane = (int) first & 3;
        long block = first >>> 2;
        int blocks = (lane + count + 3) >>> 2;
        for (int i = 0; i < blocks; i += BLOCKS) {
            LongVector x0 = COUNT.add(block + i);
            LongVector x1 = x0.lanewise(VectorOperators.LSHR, 32);
            LongVector x2 = LongVector.broadcast(SPECIES, site);
            LongVector x3 = LongVector.broadcast(SPECIES, step);
            int k0 = key0;
            int k1 = key1;
            for (int round = 0; round < ROUNDS; round++) {
                LongVector p0 = x0.and(LOW_32).mul(MULTIPLIER_0);
                LongVector p1 = x2.and(LOW_32).mul(MULTIPLIER_1);
                x0 = p1.lanewise(VectorOperators.LSHR, 32).lanewise(VectorOperators.XOR, x1)
                        .lanewise(VectorOperators.XOR, k0);
                x2 = p0.lanewise(VectorOperators.LSHR, 32).lanewise(VectorOperators.XOR, x3)
                        .lanewise(VectorOperators.XOR, k1);
                x1 = p1;
                x3 = p0;
                k0 += KEY_STEP_0;
                k1 += KEY_STEP_1;
            }
            FloatVector front = factors(x0, x1);
            FloatVector back = factors(x2, x3);
            int at = 4 * i;
            front.rearrange(LOWER).blend(back.rearrange(LOWER), BACK).intoArray(out, at);
            front.rearrange(UPPER).blend(back.rearrange(UPPER), BACK).intoArray(out, at + LANES);
        }
        return lane;
    }

    /** The factors of the words in the lower halves of x's and of y's lanes: x's first, y's first, x's second, … */
    private FloatVector factors(LongVector x, LongVector y) {
        IntVector words = x.and(LOW_32).or(y.lanewise(VectorOperators.LSHL, 32)).reinterpretAsInts();
        return IntVector.zero(INTS).blend(scale, words.add(Integer.MIN_VALUE).compare(VectorOperators.GE, threshold))
                .reinterpretAsFloats();
    }
}
