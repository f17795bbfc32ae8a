package org.lora4j.io.gguf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * The types of ggml that hold blocks of weights in few bits. With d and m as float16 and all else unsigned unless it says so:
 *
 * <pre>
 *   Q8_0    d  q: 32 signed bytes                                        w = d·q
 *   Q4_0    d  q: 32 in 16 bytes, the lower halves before the upper      w = d·(q − 8)
 *   Q4_K    d m  eight scales s and eight minima t of 6 bits             w = d·s·q − m·t        by 32 of 256
 *           q: 256 in 128 bytes, of each 32 bytes the lower halves before the upper
 *   Q6_K    q: 256 of 6 bits, 4 and 2 of them apart  s: 16 signed bytes  d     w = d·s·(q − 32)     by 16 of 256
 * </pre>
 *
 * <p>Source: {@code ggml-common.h} and {@code ggml-quants.c} of llama.cpp.
 */
enum Quantisation {
    Q4_0(2, 32, 18) {
        @Override
        void expand(MemorySegment data, long at, float[] dst, int to) {
            float d = half(data, at);
            for (int i = 0; i < 16; i++) {
                int two = data.get(JAVA_BYTE, at + 2 + i);
                dst[to + i] = d * ((two & 15) - 8);
                dst[to + 16 + i] = d * ((two >> 4 & 15) - 8);
            }
        }
    },
    Q8_0(8, 32, 34) {
        @Override
        void expand(MemorySegment data, long at, float[] dst, int to) {
            float d = half(data, at);
            for (int i = 0; i < 32; i++) {
                dst[to + i] = d * data.get(JAVA_BYTE, at + 2 + i);
            }
        }
    },
    Q4_K(12, 256, 144) {
        @Override
        void expand(MemorySegment data, long at, float[] dst, int to) {
            float d = half(data, at);
            float m = half(data, at + 2);
            for (int j = 0; j < 8; j++) {
                float scale = d * sixBits(data, at + 4, j, 0);
                float least = m * sixBits(data, at + 4, j, 4);
                long quarters = at + 16 + j / 2 * 32;
                int up = j % 2 * 4;
                for (int i = 0; i < 32; i++) {
                    dst[to + 32 * j + i] = scale * (data.get(JAVA_BYTE, quarters + i) >> up & 15) - least;
                }
            }
        }

        /** The j-th scale, or with {@code shift} 4 the j-th minimum, of twelve bytes. */
        private int sixBits(MemorySegment data, long at, int j, int shift) {
            if (j < 4) {
                return data.get(JAVA_BYTE, at + j + shift) & 63;
            }
            int low = data.get(JAVA_BYTE, at + 4 + j) >> shift & 15;
            int high = data.get(JAVA_BYTE, at + j - 4 + shift) >> 6 & 3;
            return low | high << 4;
        }
    },
    Q6_K(14, 256, 210) {
        @Override
        void expand(MemorySegment data, long at, float[] dst, int to) {
            float d = half(data, at + 208);
            for (int half = 0; half < 2; half++) {
                long low = at + 64 * half;
                long high = at + 128 + 32 * half;
                for (int part = 0; part < 4; part++) {
                    for (int i = 0; i < 32; i++) {
                        int four = data.get(JAVA_BYTE, low + part % 2 * 32 + i) >> part / 2 * 4 & 15;
                        int two = data.get(JAVA_BYTE, high + i) >> 2 * part & 3;
                        int column = 128 * half + 32 * part + i;
                        float scale = d * data.get(JAVA_BYTE, at + 192 + column / 16);
                        dst[to + column] = scale * ((four | two << 4) - 32);
                    }
                }
            }
        }
    };

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** ggml's number. */
    final int number;
    /** Weights of a block. */
    final int weights;
    /** Bytes of a block. */
    final int bytes;

    Quantisation(int number, int weights, int bytes) {
        this.number = number;
        this.weights = weights;
        this.bytes = bytes;
    }

    static Optional<Quantisation> numbered(int number) {
        return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
    }

    /** Writes the weights of the block that begins at {@code at}. */
    abstract void expand(MemorySegment data, long at, float[] dst, int to);

    static float half(MemorySegment data, long at) {
        return Float.float16ToFloat(data.get(SHORT, at));
    }
}
