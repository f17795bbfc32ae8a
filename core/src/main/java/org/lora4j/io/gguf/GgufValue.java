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
        /** 8 bits without a sign. */
        UINT8(1),
        /** 8 bits with a sign. */
        INT8(1),
        /** 16 bits without a sign. */
        UINT16(2),
        /** 16 bits with a sign. */
        INT16(2),
        /** 32 bits without a sign: counts and sizes of a model. */
        UINT32(4),
        /** 32 bits with a sign. */
        INT32(4),
        /** A float: epsilons, and an adapter's alpha. */
        FLOAT32(4),
        /** One byte, 0 or 1. */
        BOOL(1),
        /** A text: its length, then its bytes. */
        STRING(0),
        /** Values of one type: that, their count, then they themselves. */
        ARRAY(0),
        /** 64 bits without a sign. */
        UINT64(8),
        /** 64 bits with a sign. */
        INT64(8),
        /** A double. */
        FLOAT64(8);

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

    /** A text. */
    public static GgufValue of(String text) {
        return new GgufValue(Type.STRING, text);
    }

    /** A float, which llama.cpp wants for alpha. */
    public static GgufValue of(float number) {
        return new GgufValue(Type.FLOAT32, (double) number);
    }

    /** A number of 32 bits without a sign. */
    public static GgufValue ofUnsigned(int number) {
        return new GgufValue(Type.UINT32, Integer.toUnsignedLong(number));
    }

    /** As a message or a listing shows it. */
    @Override
    public String toString() {
        return value instanceof Array(Type elements, long count) ? count + " of " + elements : value.toString();
    }
}
