package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.AttentionPanels.WIDTH;
import static org.lora4j.backend.cpu.Operands.floats;
import static org.lora4j.backend.cpu.Operands.ints;
import static org.lora4j.backend.cpu.Operands.offset;
import static org.lora4j.backend.cpu.VectorMath.LANES;

import java.util.Arrays;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Checks;
import org.lora4j.backend.RelativeScores;
import org.lora4j.backend.cpu.Scratch.Slot;
import org.lora4j.tensor.MatrixView;

/**
 * The rows of {@link RelativeScores} as {@link RelativeKernels} read them: one for each distance and not
 * for each bucket, k̂[δ(t − s)] at u = s − t + queries − 1. So a query's neighbouring keys have neighbouring rows, and what
 * is one row in the model's table may be here several times. They are laid out once for all sequences:
 *
 * <pre>
 *   by feature   element (c, u) of head h at (h·size + c)·stride + {@link #FRONT} + u, with zeros around
 *   by distance  element (u, c) of head h in {@link AttentionPanels} of {@link #rows} rows, for backward
 * </pre>
 *
 * <p>The queries' rows are multiplied with the scale here; the keys' meet queries that have been.
 */
final class RelativeTables {

    /** Elements before the first distance: a tile reads them for queries behind the last one. */
    static final int FRONT = RelativeKernels.TILE;

    private final RelativeScores scores;
    private final AttentionShape shape;
    /** For each distance, the row of the model's table. */
    final int[] tableRows;
    final int distances;
    final int stride;
    /** Rows of a head's panels, a tile more than distances. */
    final int rows;
    final int size;
    /** By feature; null where the term is left out, as below. */
    final float[] keys;
    final float[] queries;
    /** By distance; null in forward too. */
    private float[] keyRows;
    private float[] queryRows;

    private RelativeTables(Workers workers, RelativeScores scores, AttentionShape shape) {
        this.scores = scores;
        this.shape = shape;
        distances = shape.queries() + shape.keys() - 1;
        stride = FRONT + distances + LANES;
        rows = distances + AttentionPanels.ROWS;
        size = shape.headSize();
        tableRows = new int[distances];
        int[] numbers = ints(scores.rows(), "rows");
        for (int u = 0; u < distances; u++) {
            Checks.row(numbers[distances - 1 - u], scores.count());
            tableRows[u] = numbers[distances - 1 - u];
        }
        keys = byFeature(workers, scores.keys(), 1, Slot.RELATIVE_KEYS);
        queries = byFeature(workers, scores.queries(), (float) shape.scale(), Slot.RELATIVE_QUERIES);
    }

    /** Those of an attention; null where it has none. */
    static RelativeTables of(Workers workers, Attention in) {
        return in.relative() == null ? null : new RelativeTables(workers, in.relative(), in.shape());
    }

    /** Lays the rows out by distance as well; returns where their gradients go, null where none is wanted. */
    RelativeSums forBackward(Workers workers, AttentionGradient gradient) {
        keyRows = byDistance(workers, scores.keys(), 1, Slot.RELATIVE_KEY_ROWS);
        queryRows = byDistance(workers, scores.queries(), (float) shape.scale(), Slot.RELATIVE_QUERY_ROWS);
        return gradient.dRelativeKeys() == null && gradient.dRelativeQueries() == null ? null
                : new RelativeSums(shape, scores.count(), gradient);
    }

    private float[] byFeature(Workers workers, MatrixView x, float factor, Slot slot) {
        if (x == null) {
            return null;
        }
        float[] table = Scratch.local().floats(slot, shape.nHead() * size * stride);
        float[] from = floats(x, "relative");
        workers.run(shape.nHead(), h -> byFeature(from, offset(x) + h * size, x.rowStride(), factor, table, features(h)));
        return table;
    }

    private float[] byDistance(Workers workers, MatrixView x, float factor, Slot slot) {
        if (x == null) {
            return null;
        }
        float[] table = Scratch.local().floats(slot, shape.nHead() * AttentionPanels.size(rows, size));
        float[] from = floats(x, "relative");
        workers.run(shape.nHead(), h -> byDistance(from, offset(x) + h * size, x.rowStride(), factor, table, panels(h)));
        return table;
    }

    private void byFeature(float[] x, int offset, int rowStride, float factor, float[] y, int to) {
        Arrays.fill(y, to, to + size * stride, 0);
        for (int u = 0; u < distances; u++) {
            int from = offset + tableRows[u] * rowStride;
            for (int c = 0, at = to + FRONT + u; c < size; c++, at += stride) {
                y[at] = x[from + c] * factor;
            }
        }
    }

    private void byDistance(float[] x, int offset, int rowStride, float factor, float[] panels, int to) {
        Arrays.fill(panels, to, to + AttentionPanels.size(rows, size), 0);
        for (int u = 0; u < distances; u++) {
            int from = offset + tableRows[u] * rowStride;
            for (int c = 0; c < size; c++) {
                panels[to + (c / WIDTH * rows + u) * WIDTH + c % WIDTH] = x[from + c] * factor;
            }
        }
    }

    float[] keyRows() {
        return keyRows;
    }

    float[] queryRows() {
        return queryRows;
    }

    /** Where head h begins in the tables by feature. */
    int features(int h) {
        return h * size * stride;
    }

    /** Where head h begins in the tables by distance. */
    int panels(int h) {
        return h * AttentionPanels.size(rows, size);
    }
}
