package org.lora4j.io.gguf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.MappedTensors;
import org.lora4j.io.TensorInfo;
import org.lora4j.tensor.Shape;

/**
 * A GGUF file of version 2 or 3, mapped into memory and checked from end to end before anything is read from it.
 *
 * <pre>
 *   "GGUF"  version u32  tensors u64  pairs u64
 *   for each pair      key, type u32, value              a text is its length u64 and UTF-8; an array is type u32, count u64
 *   for each tensor    name, axes u32, extents u64 …, type u32, offset u64
 *   padding to a multiple of general.alignment (32)
 *   the data           each tensor at its offset from here, padded
 * </pre>
 *
 * <p>All numbers are little-endian. Extents stand innermost first: what is (out, r) here is r, out in the file.
 *
 * <p>Refused with one line that names the tensor or key and the offset: a file that is cut off, counts and lengths that it
 * has no room for, keys and names that come twice, unknown types, arrays of arrays, offsets that do not
 * follow one another (as llama.cpp requires it), and big-endian files.
 *
 * <p>Source: {@code docs/gguf.md} of ggml-org/ggml; {@code gguf.cpp} of llama.cpp.
 */
public final class GgufFile extends MappedTensors {

    static final int MAGIC = 0x46554747; // "GGUF"
    static final String ALIGNMENT = "general.alignment";
    static final int DEFAULT_ALIGNMENT = 32;
    private static final int LARGEST_ALIGNMENT = 1 << 20;
    private static final int MOST_AXES = 4;
    private static final int LONGEST_NAME = 0xFFFF;
    /** The shortest pair: an empty key, a type, one byte; the shortest tensor: an empty name, axes, type, offset. */
    private static final int SHORTEST_PAIR = 13;
    private static final int SHORTEST_TENSOR = 24;

    private static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** ggml's numbers of the types that are plain numbers. */
    static final Map<Integer, DType> TYPES =
            Map.of(0, DType.F32, 1, DType.F16, 30, DType.BF16, 28, DType.F64, 26, DType.I32, 27, DType.I64);

    private final Map<String, GgufValue> values = new LinkedHashMap<>();
    private final Map<String, Quantisation> quantised = new HashMap<>();
    private final Map<String, Integer> types = new HashMap<>();
    /** Where the elements of arrays begin. */
    private final Map<String, Long> arrays = new HashMap<>();
    private long pairsFrom;
    private long pairsTo;
    private long at;

    private GgufFile(Opening opening) {
        super(opening);
        if (mapped.byteSize() < 24 || mapped.get(INT, take(4, "the magic number")) != MAGIC) {
            throw error("does not begin with GGUF and its counts; it is no GGUF file, or cut off");
        }
        int version = mapped.get(INT, take(4, "the version"));
        if (version != 2 && version != 3) {
            throw error(Integer.reverseBytes(version) < 256 ? "is a big-endian GGUF file, expected little-endian"
                    : "is GGUF version " + Integer.toUnsignedString(version) + ", expected 2 or 3");
        }
        long tensorCount = count("tensors", SHORTEST_TENSOR);
        long pairCount = count("pairs of metadata", SHORTEST_PAIR);
        pairsFrom = at;
        for (long i = 0; i < pairCount; i++) {
            readPair();
        }
        pairsTo = at;
        readTensors(tensorCount);
    }

    /**
     * Opens a file and reads its header; tensors are read as they are asked for.
     *
     * @throws FormatException             if the file is damaged or of another format
     * @throws org.lora4j.LoraException if it is missing or may not be read
     */
    public static GgufFile open(Path file) {
        return open(file, ".gguf", GgufFile::new);
    }

    /** Whether a file begins as a GGUF file does. */
    public static boolean looksLikeOne(byte[] beginning) {
        return beginning.length >= 4 && MemorySegment.ofArray(beginning).get(INT, 0) == MAGIC;
    }

    // ------------------------------------------------------------------------------------------------ metadata

    private void readPair() {
        long keyAt = at;
        String key = text("a key", LONGEST_NAME);
        GgufValue value = value(key, type(key));
        if (values.put(key, value) != null) {
            throw error("the key " + Names.quoted(key) + " at offset " + keyAt + " is there twice");
        }
    }

    private GgufValue.Type type(String key) {
        long typeAt = take(4, "the type of " + Names.quoted(key));
        int number = mapped.get(INT, typeAt);
        return GgufValue.Type.numbered(number).orElseThrow(() -> error("the key " + Names.quoted(key) + " has type "
                + Integer.toUnsignedString(number) + " at offset " + typeAt + ", expected 0 to 12"));
    }

    private GgufValue value(String key, GgufValue.Type type) {
        String what = "the value of " + Names.quoted(key);
        return new GgufValue(type, switch (type) {
            case UINT8 -> (long) Byte.toUnsignedInt(mapped.get(JAVA_BYTE, take(1, what)));
            case INT8 -> (long) mapped.get(JAVA_BYTE, take(1, what));
            case UINT16 -> (long) Short.toUnsignedInt(mapped.get(SHORT, take(2, what)));
            case INT16 -> (long) mapped.get(SHORT, take(2, what));
            case UINT32 -> Integer.toUnsignedLong(mapped.get(INT, take(4, what)));
            case INT32 -> (long) mapped.get(INT, take(4, what));
            case UINT64, INT64 -> mapped.get(LONG, take(8, what));
            case FLOAT32 -> (double) Float.intBitsToFloat(mapped.get(INT, take(4, what)));
            case FLOAT64 -> Double.longBitsToDouble(mapped.get(LONG, take(8, what)));
            case BOOL -> bool(what);
            case STRING -> text(what, Integer.MAX_VALUE - 8);
            case ARRAY -> array(key, what);
        });
    }

    private boolean bool(String what) {
        byte value = mapped.get(JAVA_BYTE, take(1, what));
        if (value != 0 && value != 1) {
            throw error(what + " is the byte " + Byte.toUnsignedInt(value) + " at offset " + (at - 1) + ", expected 0 or 1");
        }
        return value == 1;
    }

    /** Passes over the elements and keeps their type and number. */
    private GgufValue.Array array(String key, String what) {
        GgufValue.Type elements = type(key);
        if (elements == GgufValue.Type.ARRAY) {
            throw error("the key " + Names.quoted(key) + " is an array of arrays, which lora4j does not read");
        }
        long countAt = take(8, what);
        long count = mapped.get(LONG, countAt);
        int shortest = elements == GgufValue.Type.STRING ? 8 : elements.bytes();
        if (count < 0 || count > (mapped.byteSize() - at) / shortest) {
            throw error("the key " + Names.quoted(key) + " is an array of " + Long.toUnsignedString(count) + " " + elements
                    + " at offset " + countAt + ", but only " + (mapped.byteSize() - at) + " bytes follow");
        }
        arrays.put(key, at);
        if (elements != GgufValue.Type.STRING) {
            take(count * shortest, what);
        } else {
            for (long i = 0; i < count; i++) {
                take(length(what, Long.MAX_VALUE), what);
            }
        }
        return new GgufValue.Array(elements, count);
    }

    // ------------------------------------------------------------------------------------------------ tensors

    /** A tensor whose place in the file is known once all of them have been read. */
    private record Declared(String name, DType dtype, @Nullable Quantisation blocks, Shape shape, long offset) {

        long bytes() {
            return blocks == null ? shape.size() * dtype.bytes() : shape.size() / blocks.weights * blocks.bytes;
        }
    }

    private void readTensors(long count) {
        Map<String, Declared> declared = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            Declared tensor = readTensor();
            if (declared.put(tensor.name(), tensor) != null) {
                throw error("tensor " + Names.quoted(tensor.name()) + " is declared twice");
            }
        }
        long alignment = alignment();
        long data = padded(at, alignment);
        long expected = 0;
        for (Declared tensor : declared.values()) {
            long bytes = tensor.bytes();
            if (tensor.offset() != expected) {
                throw error("tensor " + Names.quoted(tensor.name()) + " is said to be at offset "
                        + Long.toUnsignedString(tensor.offset()) + " of the data, expected " + expected
                        + ", right behind the one before");
            }
            if (data + expected + bytes > mapped.byteSize()) {
                throw error("tensor " + Names.quoted(tensor.name()) + " ends at offset " + (data + expected + bytes)
                        + ", but the file has only " + mapped.byteSize() + " bytes; it is cut off. Copy or download it again");
            }
            if (tensor.blocks() != null) {
                quantised.put(tensor.name(), tensor.blocks());
            }
            tensors.put(tensor.name(),
                    new TensorInfo(tensor.name(), tensor.dtype(), tensor.shape(), data + expected, bytes));
            expected = padded(expected + bytes, alignment);
        }
        if (mapped.byteSize() > Math.max(data + expected, at)) {
            throw error("has " + (mapped.byteSize() - Math.max(data + expected, at)) + " bytes behind its last tensor, "
                    + "expected none");
        }
    }

    private Declared readTensor() {
        String name = text("a tensor's name", LONGEST_NAME);
        String what = "tensor " + Names.quoted(name);
        int axes = mapped.get(INT, take(4, what));
        if (axes < 0 || axes > MOST_AXES) {
            throw error(what + " has " + Integer.toUnsignedString(axes) + " axes at offset " + (at - 4) + ", expected 0 to "
                    + MOST_AXES);
        }
        int[] extents = new int[axes];
        long size = 1;
        for (int axis = axes - 1; axis >= 0; axis--) {
            long extent = mapped.get(LONG, take(8, what));
            // the elements of a file that exists fit 2^60, and every extent an int
            if (extent < 0 || extent > Integer.MAX_VALUE || size > (1L << 60) / Math.max(1, extent)) {
                throw error(what + " has the extent " + Long.toUnsignedString(extent) + " at offset " + (at - 8)
                        + ", more than any file holds");
            }
            extents[axis] = (int) extent;
            size *= Math.max(1, extent);
        }
        int type = mapped.get(INT, take(4, what));
        Quantisation blocks = Quantisation.numbered(type).orElse(null);
        DType dtype = blocks == null ? TYPES.get(type) : DType.F32;
        if (dtype == null) {
            throw error(what + " has ggml's type " + Integer.toUnsignedString(type) + " at offset " + (at - 4)
                    + ", which is not known here; lora4j reads F32, F16, BF16, F64, I32, I64, Q8_0, Q4_0, Q4_K and Q6_K");
        }
        if (blocks != null && (axes == 0 || extents[axes - 1] % blocks.weights != 0)) {
            throw error(what + " is " + blocks + " with " + (axes == 0 ? 1 : extents[axes - 1]) + " weights in a row, expected a "
                    + "multiple of " + blocks.weights);
        }
        long offset = mapped.get(LONG, take(8, what));
        types.put(name, type);
        return new Declared(name, dtype, blocks, Shape.of(extents), offset);
    }

    long alignment() {
        GgufValue value = values.get(ALIGNMENT);
        if (value == null) {
            return DEFAULT_ALIGNMENT;
        }
        if (!(value.value() instanceof Long alignment) || alignment < 1 || alignment > LARGEST_ALIGNMENT
                || Long.bitCount(alignment) != 1) {
            throw error(ALIGNMENT + " is " + value + ", expected a power of two up to " + LARGEST_ALIGNMENT);
        }
        return alignment;
    }

    static long padded(long position, long alignment) {
        return Math.ceilDiv(position, alignment) * alignment;
    }

    // ------------------------------------------------------------------------------------------------ bytes

    private long count(String what, int shortest) {
        long countAt = take(8, "the number of " + what);
        long count = mapped.get(LONG, countAt);
        if (count < 0 || count > (mapped.byteSize() - at) / shortest) {
            throw error("is said to have " + Long.toUnsignedString(count) + " " + what + " at offset " + countAt
                    + ", but only " + (mapped.byteSize() - at) + " bytes follow; it is cut off or damaged");
        }
        return count;
    }

    private long length(String what, long longest) {
        long length = mapped.get(LONG, take(8, what));
        if (length < 0 || length > longest) {
            throw error(what + " is said to have " + Long.toUnsignedString(length) + " bytes at offset " + (at - 8)
                    + ", expected at most " + longest);
        }
        return length;
    }

    private String text(String what, long longest) {
        long length = length(what, longest);
        long from = take(length, what);
        byte[] utf8 = mapped.asSlice(from, length).toArray(JAVA_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
        } catch (CharacterCodingException e) {
            throw error(what + " at offset " + from + " is not UTF-8");
        }
    }

    /** Moves on by so many bytes and says where they begin. */
    private long take(long count, String what) {
        if (count > mapped.byteSize() - at) {
            throw error(what + " at offset " + at + " needs " + count + " bytes, but only " + (mapped.byteSize() - at)
                    + " follow; the file is cut off or damaged");
        }
        long from = at;
        at += count;
        return from;
    }

    private FormatException error(String problem) {
        return new FormatException(file, problem);
    }

    // ------------------------------------------------------------------------------------------------ reading

    /** The bytes of all pairs. */
    MemorySegment pairs() {
        return mapped.asSlice(pairsFrom, pairsTo - pairsFrom);
    }

    /** ggml's number of a tensor's type. */
    int typeNumber(String name) {
        return types.get(name);
    }

    /** Whether a tensor is in blocks of few bits: it is read as floats, and its bytes are what the file has. */
    public boolean isQuantised(String name) {
        return quantised.containsKey(name);
    }

    @Override
    public void readFloats(String name, long from, float[] into, int at, int count) {
        Quantisation blocks = quantised.get(name);
        if (blocks == null) {
            super.readFloats(name, from, into, at, count);
            return;
        }
        MemorySegment data = bytes(name);
        Objects.checkFromIndexSize(from, count, shape(name).size());
        Objects.checkFromIndexSize(at, count, into.length);
        float[] block = new float[blocks.weights];
        for (int done = 0; done < count;) {
            long element = from + done;
            int inside = (int) (element % blocks.weights);
            int length = Math.min(blocks.weights - inside, count - done);
            blocks.expand(data, element / blocks.weights * blocks.bytes, block, 0);
            System.arraycopy(block, inside, into, at + done, length);
            done += length;
        }
    }

    @Override
    public void readDoubles(String name, long from, double[] into, int at, int count) {
        if (!isQuantised(name)) {
            super.readDoubles(name, from, into, at, count);
            return;
        }
        float[] floats = new float[count];
        readFloats(name, from, floats, 0, count);
        for (int i = 0; i < count; i++) {
            into[at + i] = floats[i];
        }
    }

    @Override
    public float[] floats(String name) {
        if (!isQuantised(name)) {
            return super.floats(name);
        }
        float[] all = new float[Math.toIntExact(shape(name).size())];
        readFloats(name, 0, all, 0, all.length);
        return all;
    }

    @Override
    public double[] doubles(String name) {
        if (!isQuantised(name)) {
            return super.doubles(name);
        }
        double[] all = new double[Math.toIntExact(shape(name).size())];
        readDoubles(name, 0, all, 0, all.length);
        return all;
    }

    /** All pairs, in the file's order. */
    public Map<String, GgufValue> values() {
        return Collections.unmodifiableMap(values);
    }

    /**
     * The elements of an array of texts, such as a vocabulary.
     *
     * @throws FormatException if there is none of that key, or one is not UTF-8
     */
    public List<String> texts(String key) {
        GgufValue.Array array = array(key, GgufValue.Type.STRING);
        List<String> texts = new ArrayList<>();
        at = arrays.get(key);
        for (long i = 0; i < array.count(); i++) {
            texts.add(text("element " + i + " of " + Names.quoted(key), Integer.MAX_VALUE - 8));
        }
        return texts;
    }

    /** The elements of an array of numbers. @throws FormatException if there is none of that key */
    public double[] numbers(String key) {
        GgufValue.Type type = values.containsKey(key) && values.get(key).value() instanceof GgufValue.Array array
                && array.elements() != GgufValue.Type.STRING ? array.elements() : GgufValue.Type.FLOAT32;
        double[] numbers = new double[(int) Math.min(Integer.MAX_VALUE - 8, array(key, type).count())];
        at = arrays.get(key);
        for (int i = 0; i < numbers.length; i++) {
            Object element = value(key, type).value();
            numbers[i] = element instanceof Boolean flag ? flag ? 1 : 0 : ((Number) element).doubleValue();
        }
        return numbers;
    }

    private GgufValue.Array array(String key, GgufValue.Type type) {
        GgufValue found = values.get(key);
        if (found == null || !(found.value() instanceof GgufValue.Array array) || array.elements() != type) {
            throw error(Names.quoted(key) + " is " + (found == null ? "missing" : found) + ", expected a list of " + type);
        }
        return array;
    }

    /** The pairs, their values as texts. */
    @Override
    public Map<String, String> metadata() {
        Map<String, String> texts = new LinkedHashMap<>();
        values.forEach((key, value) -> texts.put(key, value.toString()));
        return texts;
    }
}
