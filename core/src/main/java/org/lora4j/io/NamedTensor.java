package org.lora4j.io;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.function.IntUnaryOperator;
import org.lora4j.Names;
import org.lora4j.tensor.Shape;

/**
 * A tensor on its way from one file to another: its bytes as files hold them, little-endian and row-major, so that moving it,
 * turning it around or putting it in rows of another changes no bit, whatever its type.
 *
 * @param bytes {@code shape.size() · dtype.bytes()} of them
 */
public record NamedTensor(String name, DType dtype, Shape shape, MemorySegment bytes) {

    /** A third of what an array can hold: written for PEFT, an update of parts of a fused map grows threefold by zeros. */
    private static final long LARGEST = (Integer.MAX_VALUE - 8) / 3;

    /** Requires as many bytes as shape and type say. */
    public NamedTensor {
        if (bytes.byteSize() != shape.size() * dtype.bytes()) {
            throw new IllegalArgumentException("tensor " + Names.quoted(name) + " of " + dtype + shape + " has "
                    + bytes.byteSize() + " bytes");
        }
    }

    /**
     * A copy that stays when the source is closed.
     *
     * @throws FormatException if there is no such tensor, or it is larger than any of an adapter
     */
    public static NamedTensor copyOf(TensorSource source, String name) {
        TensorInfo info = source.info(name);
        if (info.byteSize() > LARGEST) {
            throw new FormatException(source.path(), "tensor " + Names.quoted(name) + " has " + info.byteSize()
                    + " bytes, expected at most " + LARGEST + " in an adapter");
        }
        return new NamedTensor(name, info.dtype(), info.shape(), MemorySegment.ofArray(source.bytes(name).toArray(JAVA_BYTE)));
    }

    /** Values converted to a floating type by one rounding to nearest even. */
    public static NamedTensor of(String name, DType dtype, Shape shape, double[] values) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(Math.toIntExact(shape.size() * dtype.bytes()));
        try {
            new TensorEncoder(bytes, "tensor " + Names.quoted(name), dtype).doubles(values);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // an array is no device
        }
        return new NamedTensor(name, dtype, shape, MemorySegment.ofArray(bytes.toByteArray()));
    }

    /** The same under another name. */
    public NamedTensor as(String otherName) {
        return new NamedTensor(otherName, dtype, shape, bytes);
    }

    /** The same numbers in a row, with other extents. */
    public NamedTensor as(Shape otherShape) {
        return new NamedTensor(name, dtype, otherShape, bytes);
    }

    /** The same in another type, by way of doubles; itself where it has that type. */
    public NamedTensor as(DType other) {
        return other == dtype ? this : of(name, other, shape, doubles());
    }

    /** The numbers, exactly. */
    public double[] doubles() {
        double[] values = new double[Math.toIntExact(shape.size())];
        decoder().doubles(0, values, 0, values.length);
        return values;
    }

    /** (rows, columns) → (columns, rows). */
    public NamedTensor transposed() {
        int rows = shape.dim(0);
        int columns = shape.dim(1);
        byte[] turned = new byte[Math.toIntExact(bytes.byteSize())];
        int width = dtype.bytes();
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                MemorySegment.copy(bytes, JAVA_BYTE, ((long) i * columns + j) * width, turned, (j * rows + i) * width, width);
            }
        }
        return new NamedTensor(name, dtype, Shape.of(columns, rows), MemorySegment.ofArray(turned));
    }

    /**
     * A matrix of zeros with this one's rows put into it.
     *
     * @param row    for each row of this matrix, the row it goes to
     * @param column for each row of this matrix, the column its first element goes to
     */
    public NamedTensor scatteredInto(Shape larger, IntUnaryOperator row, IntUnaryOperator column) {
        byte[] scattered = new byte[Math.toIntExact(larger.size() * dtype.bytes())];
        int length = shape.dim(1) * dtype.bytes();
        for (int i = 0; i < shape.dim(0); i++) {
            int to = (row.applyAsInt(i) * larger.dim(1) + column.applyAsInt(i)) * dtype.bytes();
            MemorySegment.copy(bytes, JAVA_BYTE, (long) i * length, scattered, to, length);
        }
        return new NamedTensor(name, dtype, larger, MemorySegment.ofArray(scattered));
    }

    /** The way back of {@link #scatteredInto}: a smaller matrix of pieces of this one's rows. */
    public NamedTensor gatheredFrom(Shape smaller, IntUnaryOperator row, IntUnaryOperator column) {
        byte[] gathered = new byte[Math.toIntExact(smaller.size() * dtype.bytes())];
        int length = smaller.dim(1) * dtype.bytes();
        for (int i = 0; i < smaller.dim(0); i++) {
            long from = ((long) row.applyAsInt(i) * shape.dim(1) + column.applyAsInt(i)) * dtype.bytes();
            MemorySegment.copy(bytes, JAVA_BYTE, from, gathered, i * length, length);
        }
        return new NamedTensor(name, dtype, smaller, MemorySegment.ofArray(gathered));
    }

    /** Whether both hold the same type, extents and bits. */
    public boolean sameBits(NamedTensor other) {
        return dtype == other.dtype && shape.equals(other.shape) && bytes.mismatch(other.bytes) == -1;
    }

    private TensorDecoder decoder() {
        return new TensorDecoder(Path.of(name.indexOf('\0') < 0 ? name : ""), // for messages only; the bytes are at hand
                new TensorInfo(name, dtype, shape, 0, bytes.byteSize()), bytes);
    }
}
