package org.lora4j.family;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.lora4j.io.DType;
import org.lora4j.io.TensorInfo;
import org.lora4j.io.TensorSource;
import org.lora4j.tensor.Shape;

/** Tensors of a file of which some are made of what the file has: those are floats here, whatever it has. */
abstract class ExpandedTensors implements TensorSource {

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final TensorSource file;

    ExpandedTensors(TensorSource file) {
        this.file = file;
    }

    /** What the file calls it. */
    abstract String stored(String name);

    /** Whether it is made of what the file has. */
    abstract boolean isMade(String name);

    abstract Shape shapeOf(String name);

    /** Writes {@code count} elements of one that is made. */
    abstract void make(String name, long from, float[] into, int at, int count);

    @Override
    public final Path path() {
        return file.path();
    }

    @Override
    public Map<String, String> metadata() {
        return file.metadata();
    }

    @Override
    public final TensorInfo info(String name) {
        TensorInfo info = file.info(stored(name));
        if (!isMade(name)) {
            return new TensorInfo(name, info.dtype(), info.shape(), info.offset(), info.byteSize());
        }
        Shape shape = shapeOf(name);
        return new TensorInfo(name, DType.F32, shape, info.offset(), Float.BYTES * shape.size());
    }

    @Override
    public final MemorySegment bytes(String name) {
        if (!isMade(name)) {
            return file.bytes(stored(name));
        }
        float[] values = floats(name);
        MemorySegment bytes = MemorySegment.ofArray(new byte[Math.multiplyExact(Float.BYTES, values.length)]);
        for (int i = 0; i < values.length; i++) {
            bytes.set(FLOAT, 4L * i, values[i]);
        }
        return bytes.asReadOnly();
    }

    @Override
    public final void readFloats(String name, long from, float[] into, int at, int count) {
        if (isMade(name)) {
            make(name, from, into, at, count);
        } else {
            file.readFloats(stored(name), from, into, at, count);
        }
    }

    @Override
    public final float[] floats(String name) {
        float[] all = new float[Math.toIntExact(info(name).size())];
        readFloats(name, 0, all, 0, all.length);
        return all;
    }

    @Override
    public final void readDoubles(String name, long from, double[] into, int at, int count) {
        if (!isMade(name)) {
            file.readDoubles(stored(name), from, into, at, count);
            return;
        }
        float[] floats = new float[count];
        make(name, from, floats, 0, count);
        for (int i = 0; i < count; i++) {
            into[at + i] = floats[i];
        }
    }

    @Override
    public final double[] doubles(String name) {
        double[] all = new double[Math.toIntExact(info(name).size())];
        readDoubles(name, 0, all, 0, all.length);
        return all;
    }

    @Override
    public final void close() {
        file.close();
    }
}
