package org.lora4j.io.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.DType;
import org.lora4j.io.NamedTensor;

/** Writes a GGUF file of version 3, {@link GgufFile} says what is in one. Pairs and tensors come in the order of the calls. */
public final class GgufWriter {

    private static final int VERSION = 3;

    private final Map<String, GgufValue> values = new LinkedHashMap<>();
    private final Map<String, NamedTensor> tensors = new LinkedHashMap<>();

    /** Adds a pair; texts and scalars can be written, arrays not. */
    public GgufWriter put(String key, GgufValue value) {
        if (value.type() == GgufValue.Type.ARRAY || values.putIfAbsent(key, value) != null) {
            throw new IllegalArgumentException("the pair " + key + " is an array, or was added twice");
        }
        return this;
    }

    /**
     * Adds a tensor.
     *
     * @throws LoraException if the tensor's type is none of GGUF's
     */
    public GgufWriter add(NamedTensor tensor) {
        if (!GgufFile.TYPES.containsValue(tensor.dtype())) {
            throw new LoraException("tensor " + Names.quoted(tensor.name()) + " has type " + tensor.dtype()
                    + ", which GGUF does not have");
        }
        if (tensors.putIfAbsent(tensor.name(), tensor) != null) {
            throw new IllegalArgumentException("tensor " + Names.quoted(tensor.name()) + " was added twice");
        }
        return this;
    }

    /** Writes the file in one atomic step, see {@link AtomicFile}. */
    public void write(Path file) {
        AtomicFile.write(file, this::writeTo);
    }

    /** Writes the same bytes to a stream. */
    public void writeTo(OutputStream out) throws IOException {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        little(header, GgufFile.MAGIC, 4);
        little(header, VERSION, 4);
        little(header, tensors.size(), 8);
        little(header, values.size(), 8);
        values.forEach((key, value) -> {
            text(header, key);
            little(header, value.type().ordinal(), 4);
            value(header, value);
        });
        long offset = 0;
        for (NamedTensor tensor : tensors.values()) {
            text(header, tensor.name());
            little(header, tensor.shape().rank(), 4);
            for (int axis = tensor.shape().rank() - 1; axis >= 0; axis--) {
                little(header, tensor.shape().dim(axis), 8);
            }
            little(header, typeNumber(tensor.dtype()), 4);
            little(header, offset, 8);
            offset = GgufFile.padded(offset + tensor.bytes().byteSize(), GgufFile.DEFAULT_ALIGNMENT);
        }
        pad(header, header.size());
        header.writeTo(out);
        byte[] piece = new byte[1 << 16];
        for (NamedTensor tensor : tensors.values()) {
            MemorySegment bytes = tensor.bytes();
            for (long done = 0; done < bytes.byteSize();) {
                int count = (int) Math.min(piece.length, bytes.byteSize() - done);
                MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, done, piece, 0, count);
                out.write(piece, 0, count);
                done += count;
            }
            pad(out, bytes.byteSize());
        }
    }

    private static void value(ByteArrayOutputStream out, GgufValue value) {
        switch (value.type()) {
            case STRING -> text(out, (String) value.value());
            case BOOL -> out.write((Boolean) value.value() ? 1 : 0);
            case FLOAT32 -> little(out, Float.floatToRawIntBits(((Double) value.value()).floatValue()), 4);
            case FLOAT64 -> little(out, Double.doubleToRawLongBits((Double) value.value()), 8);
            default -> little(out, (Long) value.value(), value.type().bytes());
        }
    }

    static int typeNumber(DType dtype) {
        return GgufFile.TYPES.entrySet().stream().filter(entry -> entry.getValue() == dtype).map(Map.Entry::getKey)
                .findFirst().orElseThrow();
    }

    private static void text(ByteArrayOutputStream out, String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        little(out, utf8.length, 8);
        out.writeBytes(utf8);
    }

    static void little(ByteArrayOutputStream out, long value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write((int) (value >>> 8 * i));
        }
    }

    private static void pad(OutputStream out, long written) throws IOException {
        out.write(new byte[(int) (GgufFile.padded(written, GgufFile.DEFAULT_ALIGNMENT) - written)]);
    }
}
