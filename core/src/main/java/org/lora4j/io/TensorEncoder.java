package org.lora4j.io;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.lora4j.LoraException;

/** Turns Java arrays into one tensor's bytes, a buffer at a time: the way back of {@link TensorDecoder}. */
final class TensorEncoder {

    private static final float LARGEST_F16 = 65504;
    private static final float LARGEST_BF16 = 0x1.FEp127f;

    private final OutputStream out;
    private final String what;
    private final DType dtype;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private long written;

    /** @param what whose values these are, for messages */
    TensorEncoder(OutputStream out, String what, DType dtype) {
        this.out = out;
        this.what = what;
        this.dtype = dtype;
    }

    /** How many bytes have gone out. */
    long written() {
        return written;
    }

    void floats(float[] values) throws IOException {
        for (int i = 0; i < values.length; i++) {
            reserve();
            float value = values[i];
            switch (dtype) {
                case F64 -> buffer.putDouble(value);
                case F32 -> buffer.putFloat(value);
                case F16 -> putF16(Float.floatToFloat16(value), value, i);
                case BF16 -> putBf16(HalfPrecision.floatToBf16(value), value, i);
                default -> throw new IllegalStateException(what + ": floats as " + dtype);
            }
        }
        flush();
    }

    void doubles(double[] values) throws IOException {
        for (int i = 0; i < values.length; i++) {
            reserve();
            double value = values[i];
            switch (dtype) {
                case F64 -> buffer.putDouble(value);
                case F32 -> {
                    requireFinite(Float.isInfinite((float) value), value, i, Float.MAX_VALUE);
                    buffer.putFloat((float) value);
                }
                case F16 -> putF16(HalfPrecision.doubleToF16(value), value, i);
                case BF16 -> putBf16(HalfPrecision.doubleToBf16(value), value, i);
                default -> throw new IllegalStateException(what + ": doubles as " + dtype);
            }
        }
        flush();
    }

    void longs(long[] values) throws IOException {
        for (int i = 0; i < values.length; i++) {
            reserve();
            putWhole(values[i], i);
        }
        flush();
    }

    void ints(int[] values) throws IOException {
        for (int i = 0; i < values.length; i++) {
            reserve();
            putWhole(values[i], i);
        }
        flush();
    }

    void booleans(boolean[] values) throws IOException {
        for (int i = 0; i < values.length; i++) {
            reserve();
            buffer.put((byte) (values[i] ? 1 : 0));
        }
        flush();
    }

    /** Bytes that are already in the file's form. */
    void raw(MemorySegment bytes) throws IOException {
        for (long done = 0; done < bytes.byteSize();) {
            int count = (int) Math.min(buffer.capacity(), bytes.byteSize() - done);
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, done, buffer.array(), 0, count);
            buffer.position(count);
            flush();
            done += count;
        }
    }

    private void putF16(short bits, double value, int index) {
        requireFinite((bits & 0x7FFF) == 0x7C00, value, index, LARGEST_F16);
        buffer.putShort(bits);
    }

    private void putBf16(short bits, double value, int index) {
        requireFinite((bits & 0x7FFF) == 0x7F80, value, index, LARGEST_BF16);
        buffer.putShort(bits);
    }

    private void requireFinite(boolean becameInfinite, double value, int index, float largest) {
        if (becameInfinite && !Double.isInfinite(value)) {
            throw new LoraException(what + ": element " + index + " is " + value + ", beyond the largest " + dtype + ", "
                    + largest + "; write it in a type with a wider range");
        }
    }

    private void putWhole(long value, int index) {
        long lowest = dtype == DType.I64 ? Long.MIN_VALUE : dtype == DType.I32 ? Integer.MIN_VALUE : 0;
        long highest = switch (dtype) {
            case I64 -> Long.MAX_VALUE;
            case I32 -> Integer.MAX_VALUE;
            case U8 -> 255;
            case BOOL -> 1;
            default -> throw new IllegalStateException(what + ": whole numbers as " + dtype);
        };
        if (value < lowest || value > highest) {
            throw new LoraException(what + ": element " + index + " is " + value + ", but " + dtype + " holds " + lowest
                    + " to " + highest);
        }
        switch (dtype.bytes()) {
            case 8 -> buffer.putLong(value);
            case 4 -> buffer.putInt((int) value);
            default -> buffer.put((byte) value);
        }
    }

    private void reserve() throws IOException {
        if (buffer.remaining() < dtype.bytes()) {
            flush();
        }
    }

    private void flush() throws IOException {
        out.write(buffer.array(), 0, buffer.position());
        written += buffer.position();
        buffer.clear();
    }
}
