package org.lora4j.adapters;

import java.util.List;
import java.util.stream.IntStream;
import org.lora4j.io.NamedTensor;
import org.lora4j.tensor.Shape;

/**
 * Those parts of a fused map that have an update, and where PEFT's files, which know no parts, hold their B: each in the rows
 * of its part and in r columns of its own, zeros elsewhere. Of q and v out of q, k, v:
 *
 * <pre>
 *   by parts (n·w, r)   B_q          in PEFT's files (3·w, n·r)   B_q  0
 *                       B_v                                       0    0
 *                                                                 0    B_v
 * </pre>
 */
final class FusedParts {

    /** What loralib and the first versions of PEFT fuse. */
    static final List<String> QKV = List.of("q", "k", "v");

    private final int[] places;
    private final int all;

    private FusedParts(int[] places, int all) {
        this.places = places;
        this.all = all;
    }

    /** @param parts some of q, k and v */
    static FusedParts of(List<String> parts) {
        return new FusedParts(parts.stream().mapToInt(QKV::indexOf).toArray(), QKV.size());
    }

    /** @param enabled for each part, whether it has an update */
    static FusedParts of(boolean[] enabled) {
        return new FusedParts(IntStream.range(0, enabled.length).filter(part -> enabled[part]).toArray(), enabled.length);
    }

    /** Whether a row of the whole map, which has so many, is in a part with an update. */
    boolean hasRow(int row, int rows) {
        return IntStream.of(places).anyMatch(part -> part == row / (rows / all));
    }

    /** The row of the whole map that is this one of the parts' rows. */
    private int row(int row, int width) {
        return places[row / width] * width + row % width;
    }

    // ------------------------------------------------------------------------------------------------ to PEFT's files

    /** (n·w, r) → (parts·w, n·r). */
    NamedTensor toWhole(NamedTensor b) {
        int width = b.shape().dim(0) / places.length;
        int rank = b.shape().dim(1);
        return b.scatteredInto(Shape.of(all * width, places.length * rank),
                row -> row(row, width), row -> row / width * rank);
    }

    /** The same for numbers. */
    double[] toWhole(double[] b, int rank) {
        int width = b.length / rank / places.length;
        int columns = places.length * rank;
        double[] whole = new double[all * width * columns];
        for (int row = 0; row < places.length * width; row++) {
            System.arraycopy(b, row * rank, whole, row(row, width) * columns + row / width * rank, rank);
        }
        return whole;
    }

    /** A number for each row: (n·w) → (parts·w), with zeros where there is no update. */
    double[] toWhole(double[] rows) {
        int width = rows.length / places.length;
        double[] whole = new double[all * width];
        for (int row = 0; row < rows.length; row++) {
            whole[row(row, width)] = rows[row];
        }
        return whole;
    }

    // ------------------------------------------------------------------------------------------------ from PEFT's files

    /** (parts·w, n·r) → (n·w, r). */
    NamedTensor fromWhole(NamedTensor b) {
        int width = b.shape().dim(0) / all;
        int rank = b.shape().dim(1) / places.length;
        return b.gatheredFrom(Shape.of(places.length * width, rank),
                row -> row(row, width), row -> row / width * rank);
    }

    /** The same for numbers. */
    double[] fromWhole(double[] whole, int rank) {
        int columns = places.length * rank;
        int width = whole.length / columns / all;
        double[] b = new double[places.length * width * rank];
        for (int row = 0; row < places.length * width; row++) {
            System.arraycopy(whole, row(row, width) * columns + row / width * rank, b, row * rank, rank);
        }
        return b;
    }

    /** A number for each row: (parts·w) → (n·w). */
    double[] fromWhole(double[] whole) {
        int width = whole.length / all;
        double[] rows = new double[places.length * width];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = whole[row(row, width)];
        }
        return rows;
    }
}
