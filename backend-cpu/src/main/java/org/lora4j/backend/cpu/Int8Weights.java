package org.lora4j.backend.cpu;

import java.util.Arrays;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.lora4j.tensor.Buffer;
import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

/** Weights as whole numbers −127 … 127 times a factor for each row, four in an int. */
final class Int8Weights extends CompressedWeights {

    private static final int LARGEST = 127;
    /** Turns each byte −128 … 127 into one of 0 … 255. */
    private static final int SIGNS = 0x80808080;
    /** The bits of 2²³. */
    private static final int EXPONENT = 0x4B000000;
    private static final float SHIFTED_ZERO = 0x1p23f + 128;

    private final float[] scales;

    Int8Weights(int rows, int columns) {
        super(rows, columns, 4);
        scales = new float[rows];
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
            Arrays.fill(packed, row, row + stride, 0);
            for (int c = 0; c < columns; c++) {
                int q = scale == 0 ? 0
                        : Math.clamp(Math.round((double) src[from + i * columns + c] / scale), -LARGEST, LARGEST);
                int inGroup = c % (4 * LANES);
                packed[row + c / (4 * LANES) * LANES + inGroup % LANES] |= (q & 0xFF) << 8 * (inGroup / LANES);
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
                part(four, 24).mul(scale).intoArray(dst, at + c);
                part(four, 16).mul(scale).intoArray(dst, at + c + LANES);
                part(four, 8).mul(scale).intoArray(dst, at + c + 2 * LANES);
                part(four, 0).mul(scale).intoArray(dst, at + c + 3 * LANES);
            }
            for (; c < columns; c++) {
                int inGroup = c % (4 * LANES);
                int bits = packed[row + c / (4 * LANES) * LANES + inGroup % LANES];
                dst[at + c] = (bits << 24 - 8 * (inGroup / LANES) >> 24) * scale;
            }
        }
    }

    @Override
    void expandGroups(int row, int from, int to, float[] dst, int at) {
        float scale = scales[row];
        for (int c = from; c < to; c += 4 * LANES) {
            IntVector four = IntVector.fromArray(INTS, packed, row * stride + c / 4);
            int to0 = at + c - from;
            part(four, 24).mul(scale).intoArray(dst, to0);
            part(four, 16).mul(scale).intoArray(dst, to0 + LANES);
            part(four, 8).mul(scale).intoArray(dst, to0 + 2 * LANES);
            part(four, 0).mul(scale).intoArray(dst, to0 + 3 * LANES);
        }
    }

    @Override
    void expandPanel(int row, int rowCount, int column, float[] panel, int at) {
        int up = column % (4 * LANES) == 0 ? 24 : 8; // a panel is half a group
        for (int p = 0; p < rowCount; p++) {
            IntVector four = IntVector.fromArray(INTS, packed, (row + p) * stride + column / (4 * LANES) * LANES);
            float scale = scales[row + p];
            int to = at + p * 2 * LANES;
            part(four, up).mul(scale).intoArray(panel, to);
            part(four, up - 8).mul(scale).intoArray(panel, to + LANES);
        }
    }

    @Override
    void dots(int row, int count, float[] x, int xOffset, float[] sums) {
        for (int i = 0; i < count; i += 2) { // an odd last one twice
            twoDots((row + i) * stride, (row + Math.min(i + 1, count - 1)) * stride, x, xOffset, sums, i * LANES);
        }
    }

    /** Two rows' products, so that x is read once for both. */
    private void twoDots(int rowA, int rowB, float[] x, int xOffset, float[] sums, int to) {
        FloatVector a0 = FloatVector.zero(SPECIES);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        FloatVector b2 = a0;
        FloatVector b3 = a0;
        for (int k = 0; k < stride; k += LANES) {
            IntVector a = IntVector.fromArray(INTS, packed, rowA + k).lanewise(VectorOperators.XOR, SIGNS);
            IntVector b = IntVector.fromArray(INTS, packed, rowB + k).lanewise(VectorOperators.XOR, SIGNS);
            int at = xOffset + 4 * k;
            FloatVector x0 = FloatVector.fromArray(SPECIES, x, at);
            a0 = whole(a).fma(x0, a0);
            b0 = whole(b).fma(x0, b0);
            FloatVector x1 = FloatVector.fromArray(SPECIES, x, at + LANES);
            a1 = whole(a.lanewise(VectorOperators.LSHR, 8)).fma(x1, a1);
            b1 = whole(b.lanewise(VectorOperators.LSHR, 8)).fma(x1, b1);
            FloatVector x2 = FloatVector.fromArray(SPECIES, x, at + 2 * LANES);
            a2 = whole(a.lanewise(VectorOperators.LSHR, 16)).fma(x2, a2);
            b2 = whole(b.lanewise(VectorOperators.LSHR, 16)).fma(x2, b2);
            FloatVector x3 = FloatVector.fromArray(SPECIES, x, at + 3 * LANES);
            a3 = whole(a.lanewise(VectorOperators.LSHR, 24)).fma(x3, a3);
            b3 = whole(b.lanewise(VectorOperators.LSHR, 24)).fma(x3, b3);
        }
        a0.add(a1).add(a2.add(a3)).intoArray(sums, to);
        if (rowA != rowB) {
            b0.add(b1).add(b2.add(b3)).intoArray(sums, to + LANES);
        }
    }

    /**
     * The lowest byte u of each lane, which {@link #SIGNS} made q + 128, as the float q: u are the last bits of 2²³ + u.
     * That takes fewer of a core's ports than two shifts and a conversion.
     */
    private static FloatVector whole(IntVector bytes) {
        return bytes.and(0xFF).or(EXPONENT).reinterpretAsFloats().sub(SHIFTED_ZERO);
    }

    @Override
    float scale(int row) {
        return scales[row];
    }

    /** The byte that {@code up} bits lift to the top, with its sign, as a float. */
    private static FloatVector part(IntVector four, int up) {
        return (FloatVector) four.lanewise(VectorOperators.LSHL, up).lanewise(VectorOperators.ASHR, 24)
                .convert(VectorOperators.I2F, 0);
    }
}
