package org.lora4j.io.gguf;

import java.util.Arrays;
import java.util.Optional;

/**
 * A value among the metadata of a GGUF file.
 *
 * @param type  its type
 * @param value a {@code Long} for whole numbers (unsigned 64-bit ones beyond 2⁶³ − 1 as their bits), a {@code Double}, a
 *              {@code Boolean}, a {@code String}, or an {@link Array}
 */
public record GgufValue(Type type, Object value) {

    /** The types by their numbers in the file, and how many bytes one takes; 0 where that depends. */
    public enum Type {
        UINT8(1), INT8(1), UINT16(2), INT16(2), UINT32(4), INT32(4), FLOAT32(4), BOOL(1), STRING(0), ARRAY(0), UINT64(8),
        INT64(8), FLOAT64(8);

        private final int bytes;

        Type(int bytes) {
            this.bytes = bytes;
        }

        int bytes() {
            return bytes;
        }

        static Optional<Type> numbered(int number) {
            return Arrays.stream(values()).filter(type -> type.ordinal() == number).findFirst();
        }
    }

    /** An array, whose elements {@link GgufFile#texts} and {@link GgufFile#numbers} read: a vocabulary has many thousand texts. */
    public record Array(Type elements, long count) {
    }

    public static GgufValue of(String text) {
        return new GgufValue(Type.STRING, text);
    }

    public static GgufValue of(float number) {
        return new GgufValue(Type.FLOAT32, (double) number);
    }

    public static GgufValue ofUnsigned(int number) {
        return new GgufValue(Type.UINT32, Integer.toUnsignedLong(number));
    }

    /** As a message or a listing shows it. */
    @Override
    public String toString() {
        return value instanceof Array(Type elements, long count) ? count + " of " + elements : value.toString();
    }
}
