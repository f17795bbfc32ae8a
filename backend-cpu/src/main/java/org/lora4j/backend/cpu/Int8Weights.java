package org.lora4j.backend.cpu;

import java.util.Arrays;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.tensor.Buffer;
import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

/**
 * Weights as whole numbers q of −127 … 127 times a factor for each row, four in an int, each as the byte q + 128.
 *
 * <p>Such a byte is the end of a float's fraction: the bits of 2²³ with a byte u put into the lowest eight are the float
 * 2²³ + u, and with u one byte higher 2²³ + 256·u. Less 2²³ + 128, or 256 times as much beside 2²³, that is q or 256·q, exactly
 * and without a lane or a conversion.
 */
final class Int8Weights extends CompressedWeights {

    private static final int LARGEST = 127;
    private static final int BIAS = 128;
    /** Four zeros. */
    private static final int ZEROS = 0x80808080;
    private static final int LOWEST = 0xFF;
    private static final int SECOND = 0xFF00;
    /** The bits of 2²³, whose last place is 1. */
    private static final int BASE = 0x4B000000;
    private static final float LOWEST_ZERO = 0x1p23f + BIAS;
    private static final float SECOND_ZERO = 0x1p23f + 256 * BIAS;

    private final float[] scales;

    Int8Weights(int rows, int columns) {
        super(rows, columns, 4);
        scales = new float[rows];
        Arrays.fill(packed, ZEROS);
    }

    @Override
    public Optional<Buffer> another() {
        return Optional.of(new Int8Weights(rows, columns));
    }

    @Override
    void store(float[] src, int from, int firstRow, int rowCount) {
        for (int i = 0; i < rowCount; i++) {
            int row = (firstRow + i) * stride;
            float largest = 0;
            for (int c = 0; c < columns; c++) {
                largest = Math.max(largest, Math.abs(src[from + i * columns + c]));
            }
            float scale = largest / LARGEST;
            scales[firstRow + i] = scale;
            Arrays.fill(packed, row, row + stride, ZEROS);
            for (int c = 0; c < columns; c++) {
                int q = scale == 0 ? 0
                        : Math.clamp(Math.round((double) src[from + i * columns + c] / scale), -LARGEST, LARGEST);
                int inGroup = c % (4 * LANES);
                packed[row + c / (4 * LANES) * LANES + inGroup % LANES] ^= (q & LOWEST) << 8 * (inGroup / LANES);
            }
        }
    }

    @Override
    void expand(int firstRow, int rowCount, float[] dst, int to, int dstStride) {
        for (int i = 0; i < rowCount; i++) {
            int row = (firstRow + i) * stride;
            int at = to + i * dstStride;
            float scale = scales[firstRow + i];
            int c = 0;
            for (; c + 4 * LANES <= columns; c += 4 * LANES) {
                IntVector four = IntVector.fromArray(INTS, packed, row + c / 4);
                part(four, 0).mul(scale).intoArray(dst, at + c);
                part(four, 8).mul(scale).intoArray(dst, at + c + LANES);
                part(four, 16).mul(scale).intoArray(dst, at + c + 2 * LANES);
                part(four, 24).mul(scale).intoArray(dst, at + c + 3 * LANES);
            }
            for (; c < columns; c++) {
                int inGroup = c % (4 * LANES);
                int bits = packed[row + c / (4 * LANES) * LANES + inGroup % LANES];
                dst[at + c] = ((bits >>> 8 * (inGroup / LANES) & LOWEST) - BIAS) * scale;
            }
        }
    }

    @Override
    void expandGroups(int row, int from, int to, float[] dst, int at) {
        float scale = scales[row];
        for (int c = from; c < to; c += 4 * LANES) {
            IntVector four = IntVector.fromArray(INTS, packed, row * stride + c / 4);
            int to0 = at + c - from;
            part(four, 0).mul(scale).intoArray(dst, to0);
            part(four, 8).mul(scale).intoArray(dst, to0 + LANES);
            part(four, 16).mul(scale).intoArray(dst, to0 + 2 * LANES);
            part(four, 24).mul(scale).intoArray(dst, to0 + 3 * LANES);
        }
    }

    @Override
    void expandPanel(int row, int rowCount, int column, float[] panel, int at) {
        int first = column % (4 * LANES) == 0 ? 0 : 16; // a panel is half a group
        for (int p = 0; p < rowCount; p++) {
            IntVector four = IntVector.fromArray(INTS, packed, (row + p) * stride + column / (4 * LANES) * LANES);
            float scale = scales[row + p];
            int to = at + p * 2 * LANES;
            part(four, first).mul(scale).intoArray(panel, to);
            part(four, first + 8).mul(scale).intoArray(panel, to + LANES);
        }
    }

    /** The columns whose bytes are met as 256·q are divided by 256, which is exact but for numbers below 2⁻¹¹⁸. */
    @Override
    void layOut(float[] a, int from, float[] x, int to) {
        super.layOut(a, from, x, to);
        for (int at = to; at < to + paddedColumns(); at += 2 * LANES) {
            FloatVector.fromArray(SPECIES, x, at + LANES).mul(0x1p-8f).intoArray(x, at + LANES);
        }
    }

    @Override
    void expandUnits(int row, float[] dst, int at) {
        for (int k = 0; k < stride; k += LANES) {
            IntVector lower = IntVector.fromArray(INTS, packed, row * stride + k);
            IntVector upper = lower.lanewise(VectorOperators.LSHR, 16);
            lower.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).intoArray(dst, at + 4 * k);
            lower.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).intoArray(dst, at + 4 * k + LANES);
            upper.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).intoArray(dst, at + 4 * k + 2 * LANES);
            upper.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).intoArray(dst, at + 4 * k + 3 * LANES);
        }
    }

    /**
     * {@link Dots}' order, a chain for each row. Written out: a method of ours for what is done sixteen times would not be
     * inlined any more at its last calls, and its vectors would lie on the heap.
     */
    @Override
    void fourDots(int row, int step, float[] x, int xOffset, float[] sums, int to) {
        int r0 = row * stride;
        int r1 = r0 + step * stride;
        int r2 = r1 + step * stride;
        int r3 = r2 + step * stride;
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        FloatVector s2 = FloatVector.zero(SPECIES);
        FloatVector s3 = FloatVector.zero(SPECIES);
        for (int k = 0; k < stride; k += LANES) {
            int at = xOffset + 4 * k;
            FloatVector x0 = FloatVector.fromArray(SPECIES, x, at);
            FloatVector x1 = FloatVector.fromArray(SPECIES, x, at + LANES);
            FloatVector x2 = FloatVector.fromArray(SPECIES, x, at + 2 * LANES);
            FloatVector x3 = FloatVector.fromArray(SPECIES, x, at + 3 * LANES);
            IntVector w0 = IntVector.fromArray(INTS, packed, r0 + k);
            s0 = w0.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x0, s0);
            s0 = w0.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x1, s0);
            w0 = w0.lanewise(VectorOperators.LSHR, 16);
            s0 = w0.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x2, s0);
            s0 = w0.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x3, s0);
            IntVector w1 = IntVector.fromArray(INTS, packed, r1 + k);
            s1 = w1.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x0, s1);
            s1 = w1.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x1, s1);
            w1 = w1.lanewise(VectorOperators.LSHR, 16);
            s1 = w1.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x2, s1);
            s1 = w1.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x3, s1);
            IntVector w2 = IntVector.fromArray(INTS, packed, r2 + k);
            s2 = w2.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x0, s2);
            s2 = w2.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x1, s2);
            w2 = w2.lanewise(VectorOperators.LSHR, 16);
            s2 = w2.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x2, s2);
            s2 = w2.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x3, s2);
            IntVector w3 = IntVector.fromArray(INTS, packed, r3 + k);
            s3 = w3.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x0, s3);
            s3 = w3.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x1, s3);
            w3 = w3.lanewise(VectorOperators.LSHR, 16);
            s3 = w3.and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO).fma(x2, s3);
            s3 = w3.and(SECOND).or(BASE).reinterpretAsFloats().sub(SECOND_ZERO).fma(x3, s3);
        }
        s0.intoArray(sums, to);
        s1.intoArray(sums, to + 4 * LANES);
        s2.intoArray(sums, to + 8 * LANES);
        s3.intoArray(sums, to + 12 * LANES);
    }

    @Override
    float scale(int row) {
        return scales[row];
    }

    /** The byte that lies {@code first} bits up, as the float q. */
    private static FloatVector part(IntVector four, int first) {
        return four.lanewise(VectorOperators.LSHR, first).and(LOWEST).or(BASE).reinterpretAsFloats().sub(LOWEST_ZERO);
    }
}
