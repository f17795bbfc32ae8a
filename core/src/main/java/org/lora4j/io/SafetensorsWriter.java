package org.lora4j.io;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.tensor.Shape;

/**
 * Writes a safetensors file, {@link Safetensors} says what is in one:
 *
 * <pre>{@code
 * new SafetensorsWriter()
 *         .metadata("format", "pt")
 *         .add("h.0.attn.c_attn.lora_A.weight", DType.F32, Shape.of(8, 768), loraA)
 *         .write(folder.resolve("adapter_model.safetensors"));
 * }</pre>
 *
 * <p>The order of the tensors in the file is the format's own library's, whatever the order of the calls: by type as
 * {@link DType} declares them, then by name as UTF-8 bytes. With the same padding of the header, to a multiple of 8 by
 * spaces, this gives the same bytes as that library for the same tensors, and save → load → save the same bytes again.
 *
 * <p>Arrays are not copied: they are read when the file is written, converted a few kilobytes at a time. With
 * {@link #addLater} an array need not even exist before, so that a model larger than the memory can be written.
 *
 * <p>Values are converted to the type asked for: floats and doubles to F64, F32, F16 or BF16 by one rounding to nearest
 * even, integers to I64, I32, U8 or BOOL (0 and 1), booleans to BOOL. A finite value too large for the type is an error
 * that names tensor and element, never an infinity or a wrapped number; an infinity or NaN is written as such.
 */
public final class SafetensorsWriter {

    private static final int ALIGNMENT = 8;

    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final Map<String, QueuedTensor> tensors = new TreeMap<>(SafetensorsWriter::compareUtf8);

    /** What has been added and is written when the file is. */
    private record QueuedTensor(String name, DType dtype, Shape shape, Content content) {

        long byteSize() {
            return shape.size() * dtype.bytes();
        }
    }

    @FunctionalInterface
    private interface Content {
        void writeTo(TensorEncoder encoder) throws IOException;
    }

    /** Adds a text pair; {@code format} = {@code pt} is what PEFT and Transformers expect. */
    public SafetensorsWriter metadata(String key, String value) {
        metadata.put(requireText(key), requireText(value));
        return this;
    }

    /** Adds a tensor; {@code values} must not change before {@link #write} has returned. */
    public SafetensorsWriter add(String name, DType dtype, Shape shape, float[] values) {
        requireLength(name, shape, values.length);
        return addLater(name, dtype, shape, () -> values);
    }

    /** Adds a tensor whose values are asked for when it is written, once per write. */
    public SafetensorsWriter addLater(String name, DType dtype, Shape shape, Supplier<float[]> values) {
        requireType(name, dtype, dtype.isFloating(), "floats");
        return add(new QueuedTensor(name, dtype, shape, encoder -> encoder.floats(values.get())));
    }

    /** Adds a tensor whose values are asked for when it is written, once per write. */
    public SafetensorsWriter addDoublesLater(String name, DType dtype, Shape shape, Supplier<double[]> values) {
        requireType(name, dtype, dtype.isFloating(), "doubles");
        return add(new QueuedTensor(name, dtype, shape, encoder -> encoder.doubles(values.get())));
    }

    /** Adds a tensor; its values are converted when the file is written. */
    public SafetensorsWriter add(String name, DType dtype, Shape shape, double[] values) {
        requireLength(name, shape, values.length);
        requireType(name, dtype, dtype.isFloating(), "doubles");
        return add(new QueuedTensor(name, dtype, shape, encoder -> encoder.doubles(values)));
    }

    /** Adds a tensor of whole numbers. */
    public SafetensorsWriter add(String name, DType dtype, Shape shape, long[] values) {
        requireLength(name, shape, values.length);
        requireType(name, dtype, !dtype.isFloating(), "longs");
        return add(new QueuedTensor(name, dtype, shape, encoder -> encoder.longs(values)));
    }

    /** Adds a tensor of whole numbers. */
    public SafetensorsWriter add(String name, DType dtype, Shape shape, int[] values) {
        requireLength(name, shape, values.length);
        requireType(name, dtype, !dtype.isFloating(), "ints");
        return add(new QueuedTensor(name, dtype, shape, encoder -> encoder.ints(values)));
    }

    /** Adds a BOOL tensor. */
    public SafetensorsWriter add(String name, Shape shape, boolean[] values) {
        requireLength(name, shape, values.length);
        return add(new QueuedTensor(name, DType.BOOL, shape, encoder -> encoder.booleans(values)));
    }

    /** Adds a tensor of {@code source} bit for bit, NaN payloads too; the source must stay open until it is written. */
    public SafetensorsWriter copy(TensorSource source, String name) {
        TensorInfo info = source.info(name);
        MemorySegment bytes = source.bytes(name);
        return add(new QueuedTensor(name, info.dtype(), info.shape(), encoder -> encoder.raw(bytes)));
    }

    /** Adds a tensor bit for bit. */
    public SafetensorsWriter add(NamedTensor tensor) {
        return add(new QueuedTensor(tensor.name(), tensor.dtype(), tensor.shape(), encoder -> encoder.raw(tensor.bytes())));
    }

    /** Writes the file in one atomic step, see {@link AtomicFile}. */
    public void write(Path file) {
        AtomicFile.write(file, this::writeTo);
    }

    /** Writes the same bytes to a stream. */
    public void writeTo(OutputStream out) throws IOException {
        List<QueuedTensor> ordered = new ArrayList<>(tensors.values());
        ordered.sort(Comparator.comparing(QueuedTensor::dtype)); // stable: names stay in order within a type
        byte[] header = header(ordered);
        new TensorEncoder(out, "the header", DType.I64).longs(new long[] {header.length});
        out.write(header);
        for (QueuedTensor tensor : ordered) {
            TensorEncoder encoder = new TensorEncoder(out, "tensor " + Names.quoted(tensor.name()), tensor.dtype());
            tensor.content().writeTo(encoder);
            if (encoder.written() != tensor.byteSize()) {
                throw new IllegalStateException("tensor " + tensor.name() + " of shape " + tensor.shape() + " has "
                        + tensor.byteSize() + " bytes, but " + encoder.written() + " were written");
            }
        }
    }

    private byte[] header(List<QueuedTensor> ordered) {
        StringBuilder json = new StringBuilder("{");
        if (!metadata.isEmpty()) {
            json.append(PythonJson.quote(SafetensorsHeader.METADATA)).append(":{");
            metadata.forEach((key, value) ->
                    json.append(PythonJson.quote(key)).append(':').append(PythonJson.quote(value)).append(','));
            json.setCharAt(json.length() - 1, '}');
            json.append(',');
        }
        long offset = 0;
        for (QueuedTensor tensor : ordered) {
            long end = Math.addExact(offset, tensor.byteSize());
            json.append(PythonJson.quote(tensor.name())).append(":{\"dtype\":\"").append(tensor.dtype())
                    .append("\",\"shape\":").append(Arrays.toString(tensor.shape().toArray()).replace(" ", ""))
                    .append(",\"data_offsets\":[").append(offset).append(',').append(end).append("]},");
            offset = end;
        }
        if (json.length() > 1) {
            json.setLength(json.length() - 1);
        }
        byte[] text = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
        byte[] padded = Arrays.copyOf(text, Math.ceilDiv(text.length, ALIGNMENT) * ALIGNMENT);
        Arrays.fill(padded, text.length, padded.length, (byte) ' ');
        return padded;
    }

    private SafetensorsWriter add(QueuedTensor tensor) {
        requireText(tensor.name());
        if (tensor.name().equals(SafetensorsHeader.METADATA)) {
            throw new IllegalArgumentException("no tensor may be called " + tensor.name() + ", the format's texts are");
        }
        if (tensors.putIfAbsent(tensor.name(), tensor) != null) {
            throw new IllegalArgumentException("tensor " + Names.quoted(tensor.name()) + " was added twice");
        }
        return this;
    }

    private static void requireLength(String name, Shape shape, int length) {
        if (shape.size() != length) {
            throw new IllegalArgumentException("tensor " + Names.quoted(name) + " of shape " + shape + " needs "
                    + shape.size() + " values, found " + length);
        }
    }

    private static void requireType(String name, DType dtype, boolean fits, String values) {
        if (!fits) {
            throw new IllegalArgumentException(
                    "tensor " + Names.quoted(name) + " of type " + dtype + " cannot be written from " + values);
        }
    }

    private static String requireText(String text) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new LoraException("the name " + Names.quoted(text) + " cannot be written: it holds half a character");
        }
        return text;
    }

    /** Java compares UTF-16 units, which order characters beyond U+FFFF before some below it. */
    private static int compareUtf8(String a, String b) {
        return Arrays.compareUnsigned(a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
    }
}
