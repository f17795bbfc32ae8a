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
        for (int i = 0; i < count; i++) {
            dot((row + i) * stride, x, xOffset, sums, i * LANES);
        }
    }

    /** One row at a time: the code for two is more than the compiler inlines, and its vectors then lie on the heap. */
    private void dot(int from, float[] x, int xOffset, float[] sums, int to) {
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int k = 0; k < stride; k += LANES) {
            IntVector four = IntVector.fromArray(INTS, packed, from + k);
            int at = xOffset + 4 * k;
            s0 = part(four, 24).fma(FloatVector.fromArray(SPECIES, x, at), s0);
            s1 = part(four, 16).fma(FloatVector.fromArray(SPECIES, x, at + LANES), s1);
            s2 = part(four, 8).fma(FloatVector.fromArray(SPECIES, x, at + 2 * LANES), s2);
            s3 = part(four, 0).fma(FloatVector.fromArray(SPECIES, x, at + 3 * LANES), s3);
        }
        s0.add(s1).add(s2.add(s3)).intoArray(sums, to);
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
