package org.lora4j.backend.cpu;

import java.util.Arrays;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.io.HalfPrecision;
import org.lora4j.tensor.Buffer;
import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

/** Weights in bfloat16, two in an int: a float is the int shifted up, or its upper half. */
final class Bf16Weights extends CompressedWeights {

    private static final int UPPER = 0xFFFF0000;

    Bf16Weights(int rows, int columns) {
        super(rows, columns, 2);
    }

    @Override
    public Optional<Buffer> another() {
        return Optional.of(new Bf16Weights(rows, columns));
    }

    @Override
    void store(float[] src, int from, int firstRow, int rowCount) {
        for (int i = 0; i < rowCount; i++) {
            int row = (firstRow + i) * stride;
            Arrays.fill(packed, row, row + stride, 0);
            for (int c = 0; c < columns; c++) {
                int bits = HalfPrecision.floatToBf16(src[from + i * columns + c]) & 0xFFFF;
                int group = c / (2 * LANES);
                int inGroup = c % (2 * LANES);
                packed[row + group * LANES + inGroup % LANES] |= inGroup < LANES ? bits : bits << 16;
            }
        }
    }

    @Override
    void expand(int firstRow, int rowCount, float[] dst, int to, int dstStride) {
        for (int i = 0; i < rowCount; i++) {
            int row = (firstRow + i) * stride;
            int at = to + i * dstStride;
            int c = 0;
            for (; c + 2 * LANES <= columns; c += 2 * LANES) {
                IntVector pair = IntVector.fromArray(INTS, packed, row + c / 2);
                lower(pair).intoArray(dst, at + c);
                upper(pair).intoArray(dst, at + c + LANES);
            }
            for (; c < columns; c++) {
                int group = c / (2 * LANES);
                int inGroup = c % (2 * LANES);
                int bits = packed[row + group * LANES + inGroup % LANES];
                dst[at + c] = Float.intBitsToFloat(inGroup < LANES ? bits << 16 : bits & UPPER);
            }
        }
    }

    @Override
    void expandGroups(int row, int from, int to, float[] dst, int at) {
        for (int c = from; c < to; c += 2 * LANES) {
            IntVector pair = IntVector.fromArray(INTS, packed, row * stride + c / 2);
            lower(pair).intoArray(dst, at + c - from);
            upper(pair).intoArray(dst, at + c - from + LANES);
        }
    }

    @Override
    void expandPanel(int row, int rowCount, int column, float[] panel, int at) {
        for (int p = 0; p < rowCount; p++) {
            IntVector pair = IntVector.fromArray(INTS, packed, (row + p) * stride + column / 2);
            int to = at + p * 2 * LANES;
            lower(pair).intoArray(panel, to);
            upper(pair).intoArray(panel, to + LANES);
        }
    }

    @Override
    void dots(int row, int count, float[] x, int xOffset, float[] sums) {
        for (int i = 0; i < count; i++) {
            dot((row + i) * stride, x, xOffset, sums, i * LANES);
        }
    }

    /** A row's products: four chains, so that one need not wait for the other. */
    private void dot(int from, float[] x, int xOffset, float[] sums, int to) {
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int k = 0;
        for (; k + 2 * LANES <= stride; k += 2 * LANES) {
            IntVector first = IntVector.fromArray(INTS, packed, from + k);
            IntVector second = IntVector.fromArray(INTS, packed, from + k + LANES);
            int at = xOffset + 2 * k;
            s0 = lower(first).fma(FloatVector.fromArray(SPECIES, x, at), s0);
            s1 = upper(first).fma(FloatVector.fromArray(SPECIES, x, at + LANES), s1);
            s2 = lower(second).fma(FloatVector.fromArray(SPECIES, x, at + 2 * LANES), s2);
            s3 = upper(second).fma(FloatVector.fromArray(SPECIES, x, at + 3 * LANES), s3);
        }
        if (k < stride) {
            IntVector last = IntVector.fromArray(INTS, packed, from + k);
            s0 = lower(last).fma(FloatVector.fromArray(SPECIES, x, xOffset + 2 * k), s0);
            s1 = upper(last).fma(FloatVector.fromArray(SPECIES, x, xOffset + 2 * k + LANES), s1);
        }
        s0.add(s1).add(s2.add(s3)).intoArray(sums, to);
    }

    private static FloatVector lower(IntVector pair) {
        return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector upper(IntVector pair) {
        return pair.and(UPPER).reinterpretAsFloats();
    }
}
