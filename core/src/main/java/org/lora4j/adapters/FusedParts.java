package org.lora4j.adapters;

import java.util.List;
import org.lora4j.io.NamedTensor;
import org.lora4j.nn.FusedPart;
import org.lora4j.tensor.Shape;

/**
 * Those parts of a fused map that have an update, and where PEFT's files, which know no parts, hold their B: each in the rows
 * of its part and in r columns of its own, zeros elsewhere. Of q and v out of q, k, v:
 *
 * <pre>
 *   by parts (w, r)   B_q          in PEFT's files (out, n·r)   B_q  0          w = w_q + w_v
 *                     B_v                                       0    0
 *                                                               0    B_v
 * </pre>
 */
final class FusedParts {

    /** What loralib and the first versions of PEFT fuse. */
    static final List<String> QKV = List.of("q", "k", "v");

    private final int all;
    private final int parts;
    private final int[] rows;   // for each row by parts, that of the whole map
    private final int[] places; // and the part that it is of, counted among these

    private FusedParts(int all, int parts, int[] rows, int[] places) {
        this.all = all;
        this.parts = parts;
        this.rows = rows;
        this.places = places;
    }

    /**
     * Some parts of a map.
     *
     * @param parts those with an update
     * @param all   the outputs of the map
     */
    static FusedParts of(List<FusedPart> parts, int all) {
        int[] rows = new int[parts.stream().mapToInt(FusedPart::width).sum()];
        int[] places = new int[rows.length];
        int at = 0;
        for (int j = 0; j < parts.size(); j++) {
            for (int row = 0; row < parts.get(j).width(); row++) {
                rows[at] = parts.get(j).first() + row;
                places[at++] = j;
            }
        }
        return new FusedParts(all, parts.size(), rows, places);
    }

    /**
     * Some thirds of a map, which is all that loralib and the first versions of PEFT have.
     *
     * @param names some of q, k and v
     * @param width the outputs of each
     */
    static FusedParts thirds(List<String> names, int width) {
        int all = QKV.size() * width;
        return of(FusedPart.equal(QKV, all).stream().filter(part -> names.contains(part.name())).toList(), all);
    }

    /** Copies the rows of the whole map that are in these parts. */
    void copyRows(double[] from, double[] to) {
        for (int row : rows) {
            to[row] = from[row];
        }
    }

    // ------------------------------------------------------------------------------------------------ to PEFT's files

    /** (w, r) → (out, n·r). */
    NamedTensor toWhole(NamedTensor b) {
        int rank = b.shape().dim(1);
        return b.scatteredInto(Shape.of(all, parts * rank), row -> rows[row], row -> places[row] * rank);
    }

    /** The same for numbers. */
    double[] toWhole(double[] b, int rank) {
        int columns = parts * rank;
        double[] whole = new double[all * columns];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(b, row * rank, whole, rows[row] * columns + places[row] * rank, rank);
        }
        return whole;
    }

    /** A number for each row: (w) → (out), with zeros where there is no update. */
    double[] toWhole(double[] numbers) {
        double[] whole = new double[all];
        for (int row = 0; row < rows.length; row++) {
            whole[rows[row]] = numbers[row];
        }
        return whole;
    }

    // ------------------------------------------------------------------------------------------------ from PEFT's files

    /** (out, n·r) → (w, r). */
    NamedTensor fromWhole(NamedTensor b) {
        int rank = b.shape().dim(1) / parts;
        return b.gatheredFrom(Shape.of(rows.length, rank), row -> rows[row], row -> places[row] * rank);
    }

    /** The same for numbers. */
    double[] fromWhole(double[] whole, int rank) {
        int columns = parts * rank;
        double[] b = new double[rows.length * rank];
        for (int row = 0; row < rows.length; row++) {
            System.arraycopy(whole, rows[row] * columns + places[row] * rank, b, row * rank, rank);
        }
        return b;
    }

    /** A number for each row: (out) → (w). */
    double[] fromWhole(double[] whole) {
        double[] numbers = new double[rows.length];
        for (int row = 0; row < rows.length; row++) {
            numbers[row] = whole[rows[row]];
        }
        return numbers;
    }
}
