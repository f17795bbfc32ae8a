package org.lora4j.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Objects;
import org.lora4j.Names;

/**
 * Turns one tensor's bytes into Java arrays, with the conversions {@link TensorSource} documents. Layouts are unaligned:
 * a file need not put its data at a multiple of anything.
 */
final class TensorDecoder {

    static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfLong LONG = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfDouble DOUBLE = JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** The longest array every JVM can make. */
    private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;

    /** How many numbers are read in one type before they are put into a longer or shorter one. */
    private static final int AT_A_TIME = 4096;

    private final Path file;
    private final TensorInfo info;
    private final MemorySegment bytes;

    TensorDecoder(Path file, TensorInfo info, MemorySegment bytes) {
        this.file = file;
        this.info = info;
        this.bytes = bytes;
    }

    int arrayLength() {
        if (info.size() > LONGEST_ARRAY) {
            throw error("has shape " + info.shape() + ", " + info.size() + " elements, and a Java array holds "
                    + LONGEST_ARRAY + "; read it in parts");
        }
        return (int) info.size();
    }

    void floats(long from, float[] into, int at, int count) {
        check(from, into.length, at, count);
        switch (info.dtype()) {
            case F32 -> MemorySegment.copy(bytes, FLOAT, from * Float.BYTES, into, at, count);
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = Float.float16ToFloat(bytes.getAtIndex(SHORT, from + i));
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = HalfPrecision.bf16ToFloat(bytes.getAtIndex(SHORT, from + i));
                }
            }
            case F64 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = (float) bytes.getAtIndex(DOUBLE, from + i);
                }
            }
            default -> throw wrongType("F32, F16, BF16 or F64");
        }
    }

    void doubles(long from, double[] into, int at, int count) {
        check(from, into.length, at, count);
        switch (info.dtype()) {
            case F64 -> MemorySegment.copy(bytes, DOUBLE, from * Double.BYTES, into, at, count);
            case F32, F16, BF16 -> {
                float[] some = new float[Math.min(count, AT_A_TIME)];
                for (int done = 0; done < count; done += some.length) {
                    int length = Math.min(some.length, count - done);
                    floats(from + done, some, 0, length);
                    for (int i = 0; i < length; i++) {
                        into[at + done + i] = some[i];
                    }
                }
            }
            default -> throw wrongType("F64, F32, F16 or BF16");
        }
    }

    void longs(long from, long[] into, int at, int count) {
        check(from, into.length, at, count);
        switch (info.dtype()) {
            case I64 -> MemorySegment.copy(bytes, LONG, from * Long.BYTES, into, at, count);
            case I32 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = bytes.getAtIndex(INT, from + i);
                }
            }
            case U8 -> {
                for (int i = 0; i < count; i++) {
                    into[at + i] = Byte.toUnsignedLong(bytes.get(JAVA_BYTE, from + i));
                }
            }
            default -> throw wrongType("I64, I32 or U8");
        }
    }

    void ints(long from, int[] into, int at, int count) {
        check(from, into.length, at, count);
        switch (info.dtype()) {
            case I32 -> MemorySegment.copy(bytes, INT, from * Integer.BYTES, into, at, count);
            case I64, U8 -> {
                long[] some = new long[Math.min(count, AT_A_TIME)];
                for (int done = 0; done < count; done += some.length) {
                    int length = Math.min(some.length, count - done);
                    longs(from + done, some, 0, length);
                    for (int i = 0; i < length; i++) {
                        into[at + done + i] = narrowed(some[i], from + done + i);
                    }
                }
            }
            default -> throw wrongType("I64, I32 or U8");
        }
    }

    private int narrowed(long value, long element) {
        if (value != (int) value) {
            throw error("element " + element + " is " + value + ", which does not fit 32 bits");
        }
        return (int) value;
    }

    void booleans(long from, boolean[] into, int at, int count) {
        check(from, into.length, at, count);
        if (info.dtype() != DType.BOOL) {
            throw wrongType("BOOL");
        }
        for (int i = 0; i < count; i++) {
            byte value = bytes.get(JAVA_BYTE, from + i);
            if (value != 0 && value != 1) {
                throw error("element " + (from + i) + " (file offset " + (info.offset() + from + i) + ") is the byte "
                        + Byte.toUnsignedInt(value) + ", expected 0 or 1");
            }
            into[at + i] = value == 1;
        }
    }

    private void check(long from, int arrayLength, int at, int count) {
        Objects.checkFromIndexSize(from, count, info.size());
        Objects.checkFromIndexSize(at, count, arrayLength);
    }

    private FormatException wrongType(String expected) {
        return error("has type " + info.dtype() + ", expected " + expected);
    }

    FormatException error(String problem) {
        return new FormatException(file, "tensor " + Names.quoted(info.name()) + ": " + problem);
    }
}
