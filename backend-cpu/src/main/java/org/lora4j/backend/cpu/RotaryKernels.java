package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;

/** Turns pairs of columns of each head by the angles of its row. */
final class RotaryKernels {

    private RotaryKernels() {
    }

    /**
     * a ← a·c − b·s and b ← b·c + a·s where rows lie, with the sines times {@code direction}.
     *
     * @param cosines (rows, half), as {@code sines}
     */
    static void rotate(
            Workers workers, float[] x, int offset, int stride, int rows, int columns, int headSize, float[] cosines,
            float[] sines, int half, float direction) {
        Chunks.rows(workers, rows, columns, (from, to) -> {
            for (int row = from; row < to; row++) {
                for (int head = 0; head < columns; head += headSize) {
                    turn(x, offset + row * stride + head, cosines, sines, row * half, half, direction);
                }
            }
        });
    }

    private static void turn(
            float[] x, int at, float[] cosines, float[] sines, int angle, int half, float direction) {
        int i = 0;
        for (; i <= half - LANES; i += LANES) {
            FloatVector a = FloatVector.fromArray(SPECIES, x, at + i);
            FloatVector b = FloatVector.fromArray(SPECIES, x, at + half + i);
            FloatVector c = FloatVector.fromArray(SPECIES, cosines, angle + i);
            FloatVector s = FloatVector.fromArray(SPECIES, sines, angle + i).mul(direction);
            a.mul(c).sub(b.mul(s)).intoArray(x, at + i);
            b.mul(c).add(a.mul(s)).intoArray(x, at + half + i);
        }
        for (; i < half; i++) {
            float a = x[at + i];
            float b = x[at + half + i];
            float c = cosines[angle + i];
            float s = direction * sines[angle + i];
            x[at + i] = a * c - b * s;
            x[at + half + i] = b * c + a * s;
        }
    }
}
