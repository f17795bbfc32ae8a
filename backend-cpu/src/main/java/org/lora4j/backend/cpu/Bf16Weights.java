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
    void expandUnits(int row, float[] dst, int at) {
        expandGroups(row, 0, paddedColumns(), dst, at);
    }

    /** {@link Dots}' order, a chain for each row; written out, see {@link Int8Weights#fourDots}. */
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
            FloatVector x0 = FloatVector.fromArray(SPECIES, x, xOffset + 2 * k);
            FloatVector x1 = FloatVector.fromArray(SPECIES, x, xOffset + 2 * k + LANES);
            IntVector w0 = IntVector.fromArray(INTS, packed, r0 + k);
            IntVector w1 = IntVector.fromArray(INTS, packed, r1 + k);
            IntVector w2 = IntVector.fromArray(INTS, packed, r2 + k);
            IntVector w3 = IntVector.fromArray(INTS, packed, r3 + k);
            s0 = w0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, s0);
            s1 = w1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, s1);
            s2 = w2.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, s2);
            s3 = w3.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(x0, s3);
            s0 = w0.and(UPPER).reinterpretAsFloats().fma(x1, s0);
            s1 = w1.and(UPPER).reinterpretAsFloats().fma(x1, s1);
            s2 = w2.and(UPPER).reinterpretAsFloats().fma(x1, s2);
            s3 = w3.and(UPPER).reinterpretAsFloats().fma(x1, s3);
        }
        s0.intoArray(sums, to);
        s1.intoArray(sums, to + 4 * LANES);
        s2.intoArray(sums, to + 8 * LANES);
        s3.intoArray(sums, to + 12 * LANES);
    }

    private static FloatVector lower(IntVector pair) {
        return pair.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector upper(IntVector pair) {
        return pair.and(UPPER).reinterpretAsFloats();
    }
}
