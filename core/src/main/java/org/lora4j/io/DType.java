package org.lora4j.io;

import java.util.Arrays;
import java.util.Optional;

/**
 * The element types of a tensor in a file, named as safetensors names them. Multi-byte elements are little-endian.
 *
 * <p>Declared in the order in which a safetensors file holds them: by falling alignment, then as the format's own
 * library breaks ties, so that every tensor begins at a multiple of its element's size.
 */
public enum DType {
    /** Whole numbers with a sign, 64 bits. */
    I64(8),
    /** IEEE 754 binary64, Java's double. */
    F64(8),
    /** IEEE 754 binary32, Java's float. */
    F32(4),
    /** Whole numbers with a sign, 32 bits. */
    I32(4),
    /** The upper half of an F32: 8 exponent bits, 7 of mantissa. */
    BF16(2),
    /** IEEE 754 binary16: 5 exponent bits, 10 of mantissa. */
    F16(2),
    /** Bytes without a sign. */
    U8(1),
    /** One byte, 0 or 1. */
    BOOL(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** The size of one element in bytes. */
    public int bytes() {
        return bytes;
    }

    /** Whether its values are floating-point numbers. */
    public boolean isFloating() {
        return this == F64 || this == F32 || this == F16 || this == BF16;
    }

    /** The type a file calls {@code name}, if it is one of ours. */
    public static Optional<DType> named(String name) {
        return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
    }
}
