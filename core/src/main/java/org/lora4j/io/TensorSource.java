package org.lora4j.io;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.lora4j.Names;
import org.lora4j.tensor.Shape;

/**
 * Named tensors that lie in one file or in several, so that a loader need not care which. Open one with
 * {@link TensorFiles#open}:
 *
 * <pre>{@code
 * try (TensorSource model = TensorFiles.open(Path.of("gpt2"))) {
 *     model.requireShape("wte.weight", 50257, 768);
 *     float[] wte = model.floats("wte.weight");
 * }
 * }</pre>
 *
 * <p>The {@code read…} methods copy a run of elements, counted in row-major order, so that a tensor larger than an array
 * can be read in parts. They convert:
 *
 * <pre>
 *   floats     from F32, F16, BF16 exactly; from F64 rounded to nearest even, the only conversion that loses anything
 *   doubles    from F64, F32, F16, BF16 exactly
 *   longs      from I64, I32, U8 exactly
 *   ints       from I32, U8 exactly; from I64 where every value fits, else a FormatException
 *   booleans   from BOOL, where a byte other than 0 and 1 is a FormatException
 * </pre>
 *
 * Any other pair is a {@link FormatException}: weights stored as integers are a mistake or a quantisation, not numbers
 * to be taken as they are. A name that is not there is one too, with the nearest names. A run that leaves the tensor or
 * the array is an {@link IndexOutOfBoundsException}. After {@link #close} nothing may be read.
 *
 * <p>Sources are safe for use by several threads at once, except that nobody may close one that others still read.
 */
public interface TensorSource extends AutoCloseable {

    /** The file or folder this was opened from, for messages. */
    Path path();

    /** The names of all tensors, in the order in which their bytes lie in the file or files. */
    List<String> names();

    /** Free text pairs of the file, such as {@code format} = {@code pt}; empty if there are none. */
    Map<String, String> metadata();

    /** Whether there is a tensor of that name. */
    boolean has(String name);

    /**
     * What is known of a tensor without reading it: type, shape, place.
     *
     * @throws FormatException if there is no such tensor; the message has the nearest names
     */
    TensorInfo info(String name);

    /** The tensor's bytes as they lie in the file, read-only, valid until {@link #close}; nothing is copied. */
    MemorySegment bytes(String name);

    @Override
    void close();

    /** The error for a tensor that is not there, the same for one file and for many. */
    static FormatException missing(Path where, String name, Set<String> present) {
        List<String> nearest = Names.nearest(name, present, 3);
        String known = nearest.isEmpty() ? "; it has " + present.size() + ": " + Names.some(present, 4)
                : " (nearest: " + Names.some(nearest, 3) + ")";
        return new FormatException(where, "has no tensor " + Names.quoted(name) + (present.isEmpty() ? ", nor any" : known));
    }

    /** The type in which a tensor is stored. */
    default DType dtype(String name) {
        return info(name).dtype();
    }

    /** A tensor's shape. */
    default Shape shape(String name) {
        return info(name).shape();
    }

    /**
     * Refuses a tensor that has not these extents.
     *
     * @throws FormatException if the tensor is missing or has other extents; the message holds both
     */
    default void requireShape(String name, int... extents) {
        Shape expected = Shape.of(extents);
        if (!shape(name).equals(expected)) {
            throw decoder(name).error("has shape " + shape(name) + ", expected " + expected);
        }
    }

    /** Copies {@code count} elements from number {@code from} on to {@code into[at…]}. */
    default void readFloats(String name, long from, float[] into, int at, int count) {
        decoder(name).floats(from, into, at, count);
    }

    /** Reads {@code count} values from the {@code from}-th on, as doubles, into {@code into} from {@code at} on. */
    default void readDoubles(String name, long from, double[] into, int at, int count) {
        decoder(name).doubles(from, into, at, count);
    }

    /** Reads {@code count} whole numbers from the {@code from}-th on into {@code into} from {@code at} on. */
    default void readLongs(String name, long from, long[] into, int at, int count) {
        decoder(name).longs(from, into, at, count);
    }

    /** The whole tensor. */
    default float[] floats(String name) {
        TensorDecoder decoder = decoder(name);
        float[] all = new float[decoder.arrayLength()];
        decoder.floats(0, all, 0, all.length);
        return all;
    }

    /** The whole tensor. */
    default double[] doubles(String name) {
        TensorDecoder decoder = decoder(name);
        double[] all = new double[decoder.arrayLength()];
        decoder.doubles(0, all, 0, all.length);
        return all;
    }

    /** The whole tensor. */
    default long[] longs(String name) {
        TensorDecoder decoder = decoder(name);
        long[] all = new long[decoder.arrayLength()];
        decoder.longs(0, all, 0, all.length);
        return all;
    }

    /** The whole tensor. */
    default int[] ints(String name) {
        TensorDecoder decoder = decoder(name);
        int[] all = new int[decoder.arrayLength()];
        decoder.ints(0, all, 0, all.length);
        return all;
    }

    /** The whole tensor. */
    default boolean[] booleans(String name) {
        TensorDecoder decoder = decoder(name);
        boolean[] all = new boolean[decoder.arrayLength()];
        decoder.booleans(0, all, 0, all.length);
        return all;
    }

    private TensorDecoder decoder(String name) {
        return new TensorDecoder(path(), info(name), bytes(name));
    }
}
