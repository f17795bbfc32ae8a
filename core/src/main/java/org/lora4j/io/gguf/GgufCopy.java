package org.lora4j.io.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.io.AtomicFile;
import org.lora4j.io.NamedTensor;
import org.lora4j.tensor.Shape;

/**
 * Writes a GGUF file anew with other tensors in place of some: its metadata, vocabulary among it, and all other tensors keep
 * their bytes, quantised ones too. So a merged model has all that llama.cpp knows of its base.
 */
public final class GgufCopy {

    private record Part(String name, Shape shape, int type, MemorySegment bytes) {
    }

    private GgufCopy() {
    }

    /**
     * Writes a copy of a model with other values for some of its tensors, all else bit for bit.
     *
     * @param base     read
     * @param replaced by their names in the file; those that it does not have come behind the others
     */
    public static void write(GgufFile base, Map<String, NamedTensor> replaced, Path out) {
        Map<String, NamedTensor> rest = new LinkedHashMap<>(replaced);
        List<Part> parts = new ArrayList<>();
        for (String name : base.names()) {
            NamedTensor other = rest.remove(name);
            parts.add(other == null ? new Part(name, base.shape(name), base.typeNumber(name), base.bytes(name)) : part(name, other));
        }
        rest.forEach((name, tensor) -> parts.add(part(name, tensor)));
        AtomicFile.write(out, stream -> write(base, parts, stream));
    }

    private static Part part(String name, NamedTensor tensor) {
        return new Part(name, tensor.shape(), GgufWriter.typeNumber(tensor.dtype()), tensor.bytes());
    }

    private static void write(GgufFile base, List<Part> parts, OutputStream out) throws IOException {
        long alignment = base.alignment();
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        GgufWriter.little(header, GgufFile.MAGIC, 4);
        GgufWriter.little(header, 3, 4);
        GgufWriter.little(header, parts.size(), 8);
        GgufWriter.little(header, base.values().size(), 8);
        header.write(base.pairs().toArray(ValueLayout.JAVA_BYTE));
        long offset = 0;
        for (Part part : parts) {
            byte[] name = part.name.getBytes(StandardCharsets.UTF_8);
            GgufWriter.little(header, name.length, 8);
            header.write(name);
            GgufWriter.little(header, part.shape.rank(), 4);
            for (int axis = part.shape.rank() - 1; axis >= 0; axis--) {
                GgufWriter.little(header, part.shape.dim(axis), 8);
            }
            GgufWriter.little(header, part.type, 4);
            GgufWriter.little(header, offset, 8);
            offset = GgufFile.padded(offset + part.bytes.byteSize(), alignment);
        }
        header.write(new byte[(int) (GgufFile.padded(header.size(), alignment) - header.size())]);
        header.writeTo(out);
        byte[] piece = new byte[1 << 16];
        for (Part part : parts) {
            for (long done = 0; done < part.bytes.byteSize();) {
                int count = (int) Math.min(piece.length, part.bytes.byteSize() - done);
                MemorySegment.copy(part.bytes, ValueLayout.JAVA_BYTE, done, piece, 0, count);
                out.write(piece, 0, count);
                done += count;
            }
            out.write(new byte[(int) (GgufFile.padded(part.bytes.byteSize(), alignment) - part.bytes.byteSize())]);
        }
    }
}
