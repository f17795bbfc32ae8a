package org.lora4j.io;

import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;

/**
 * One safetensors file, mapped into memory and checked from end to end before anything is read from it.
 *
 * <pre>
 *   bytes 0 to 7     n, the length of the header, unsigned little-endian
 *   bytes 8 to 7+n   the header, a JSON object, padded with spaces:
 *                      {"__metadata__": {"format": "pt"},
 *                       "wte.weight": {"dtype": "F32", "shape": [4096, 256], "data_offsets": [0, 4194304]}, …}
 *   the rest         the data; data_offsets [begin, end) count from here, elements little-endian and row-major
 * </pre>
 *
 * <p>Refused, each with one line that names the tensor, the offset, what was found and what was expected: a file that is
 * cut off; a header longer than the file or than 100 MB, not JSON, not an object, or with anything behind it; names
 * that come twice; unknown types and fields; extents that are negative or overflow; data that end before they begin or
 * beyond the file, that do not match shape and type, that overlap, or leave bytes that belong to no tensor.
 *
 * <p>Opening reads the header only; data come in page by page as they are read, so a file may be larger than the memory.
 * The file must not be overwritten in place while it is open; replacing it, as {@link AtomicFile} does, is harmless.
 *
 * <p>Source: the format's own description, huggingface/safetensors, README.
 */
public final class Safetensors extends MappedTensors {

    private static final int LENGTH_BYTES = 8;
    /** The same bound as the format's own library has. */
    private static final long LONGEST_HEADER = 100_000_000;

    private final Map<String, String> metadata;

    private Safetensors(Opening opening) {
        super(opening);
        long headerLength = headerLength();
        long dataStart = LENGTH_BYTES + headerLength;
        byte[] text = mapped.asSlice(LENGTH_BYTES, headerLength).toArray(ValueLayout.JAVA_BYTE);
        SafetensorsHeader header = SafetensorsHeader.parse(file, text, dataStart, mapped.byteSize() - dataStart);
        tensors.putAll(header.tensors());
        this.metadata = Collections.unmodifiableMap(header.metadata());
    }

    /**
     * Opens a file and reads its header; tensors are read as they are asked for.
     *
     * @throws FormatException             if the file is damaged or of another format
     * @throws org.lora4j.LoraException if it is missing or may not be read
     */
    public static Safetensors open(Path file) {
        return open(file, ".safetensors", Safetensors::new);
    }

    private long headerLength() {
        long size = mapped.byteSize();
        if (size < LENGTH_BYTES) {
            throw new FormatException(file, "has " + size + " bytes, expected at least the " + LENGTH_BYTES
                    + " that say how long the header is; it is cut off or empty. Copy or download it again");
        }
        long length = mapped.get(TensorDecoder.LONG, 0);
        if (length < 0 || length > LONGEST_HEADER) {
            throw new FormatException(file, "the header length at offset 0 is " + Long.toUnsignedString(length)
                    + ", expected at most " + LONGEST_HEADER + "; this is not a safetensors file");
        }
        if (length > size - LENGTH_BYTES) {
            throw new FormatException(file, "the header length at offset 0 is " + length + ", but only "
                    + (size - LENGTH_BYTES) + " bytes follow; the file is cut off. Copy or download it again");
        }
        return length;
    }

    @Override
    public Map<String, String> metadata() {
        return metadata;
    }
}
