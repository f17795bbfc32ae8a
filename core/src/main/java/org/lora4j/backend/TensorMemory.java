package org.lora4j.backend;

import java.util.Locale;
import org.lora4j.LoraException;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Tensors of a {@link Backend}: how they are made, and how numbers go in and out. */
public interface TensorMemory {

    /** The name users type, such as {@code cpu}. */
    String name();

    /** u, half the distance from 1 to the next number: 2⁻²⁴ where tensors hold floats, 2⁻⁵³ where they hold doubles. */
    default double unitRoundoff() {
        return 0x1p-24;
    }

    /** A new tensor of zeros. */
    Tensor allocate(Shape shape);

    /**
     * A new tensor for a frozen weight matrix, held in the given type. It can be uploaded to in whole rows, read, and used
     * as the second operand of {@link Backend#matmul} (either way round) and {@link Backend#linear}, as the table of
     * {@link Backend#gatherRows}, and as what {@link Backend#copy} copies; nothing else, and nothing writes it.
     *
     * @param shape (out, in) or (V, C)
     * @throws LoraException if this backend does not hold weights in that type
     */
    default Tensor allocateWeight(Shape shape, WeightType type) {
        if (type == WeightType.FLOAT32) {
            return allocate(shape);
        }
        throw new LoraException("`weightType` " + type.name().toLowerCase(Locale.ROOT) + ": the " + name()
                + " backend holds weights in its own type only. Leave it out, or use `backend` cpu");
    }

    /**
     * A new tensor for a frozen weight matrix that a file has in four bits: held as it is where the backend can, else expanded.
     *
     * @param shape (out, in), of as many weights
     */
    default Tensor hold(Shape shape, FourBitWeights weights) {
        Tensor tensor = allocate(shape);
        int step = (int) Math.min(1 << 20, weights.count());
        float[] piece = new float[step];
        for (long from = 0; from < weights.count(); from += step) {
            int length = (int) Math.min(step, weights.count() - from);
            weights.expand(from, piece, 0, length);
            upload(piece, 0, tensor, from, length);
        }
        return tensor;
    }

    /**
     * Whether a second thread may {@link #allocate} tensors and {@link #upload} to those that it has allocated while another one
     * computes: so an adapter is read beside a server at work.
     */
    default boolean allocatesBesideWork() {
        return false;
    }

    /** A new tensor of whole numbers, all zero. */
    IntTensor allocateInts(Shape shape);

    /** How many tensors {@link #allocate} and {@link #allocateInts} have made: a training step must not raise it. */
    long allocations();

    /**
     * Promises that the tensor's content never changes again, so that the backend may keep it in other layouts too. A
     * frozen base weight is such a tensor. Uploading to it afterwards is an error of the caller.
     */
    default void freeze(Tensor constant) {
    }

    /** Whether it holds what is uploaded: if not, nobody needs to draw random numbers to begin with. */
    default boolean holdsNumbers() {
        return true;
    }

    /** dst[to … to + count − 1] ← src[from … from + count − 1], rounded to the backend's precision. */
    void upload(float[] src, int from, Tensor dst, long to, int count);

    /** dst[to … to + count − 1] ← src[from … from + count − 1], rounded to the backend's precision. */
    void upload(double[] src, int from, Tensor dst, long to, int count);

    /** dst[0 … count − 1] ← src[from … from + count − 1]. */
    void upload(int[] src, int from, IntTensor dst, int count);

    /** dst[to … to + count − 1] ← src[from … from + count − 1], rounded to float. */
    void read(Tensor src, long from, float[] dst, int to, int count);

    /** dst[to … to + count − 1] ← src[from … from + count − 1]. */
    void read(Tensor src, long from, double[] dst, int to, int count);

    /** Uploads a whole tensor. */
    default void upload(float[] src, Tensor dst) {
        requireSize(src.length, dst);
        upload(src, 0, dst, 0, src.length);
    }

    /** Uploads a whole tensor. */
    default void upload(double[] src, Tensor dst) {
        requireSize(src.length, dst);
        upload(src, 0, dst, 0, src.length);
    }

    /** Reads a whole tensor of at most 2³¹ − 1 elements as floats. */
    default float[] readFloats(Tensor src) {
        float[] values = new float[Math.toIntExact(src.size())];
        read(src, 0, values, 0, values.length);
        return values;
    }

    /** Reads a whole tensor of at most 2³¹ − 1 elements as doubles. */
    default double[] readDoubles(Tensor src) {
        double[] values = new double[Math.toIntExact(src.size())];
        read(src, 0, values, 0, values.length);
        return values;
    }

    private static void requireSize(int length, Tensor dst) {
        if (length != dst.size()) {
            throw new ShapeMismatchException("upload of " + length + " numbers to a tensor of shape " + dst.shape());
        }
    }
}
