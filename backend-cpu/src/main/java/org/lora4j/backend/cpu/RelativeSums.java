package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Operands.floats;
import static org.lora4j.backend.cpu.Operands.offset;

import java.util.Arrays;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.cpu.Scratch.Slot;
import org.lora4j.tensor.MatrixView;

/**
 * The gradients of {@link org.lora4j.backend.RelativeScores}, to which all sequences add. Sequences are cut into parts
 * whose number depends on the shape alone; each part is summed in order, and then the parts are, so any number of threads
 * gives the same bits.
 */
final class RelativeSums {

    /** Enough tasks for the cores of a large machine. */
    private static final int TASKS = 64;

    final int parts;
    /** (parts, P, width); null where they are not wanted, as below. */
    final float[] keys;
    final float[] queries;
    private final int rows;
    private final int width;
    private final AttentionGradient gradient;

    /** @param rows P */
    RelativeSums(AttentionShape shape, int rows, AttentionGradient gradient) {
        this.rows = rows;
        this.gradient = gradient;
        width = shape.width();
        parts = Math.min(shape.batch(), Math.ceilDiv(TASKS, shape.heads().keyHeads()));
        keys = gradient.dRelativeKeys() == null ? null : Scratch.local().floats(Slot.PARTIAL_RELATIVE_KEYS, parts * rows * width);
        queries = gradient.dRelativeQueries() == null ? null : Scratch.local().floats(Slot.PARTIAL_RELATIVE_QUERIES, parts * rows * width);
    }

    /** Where a row of a part begins. */
    int row(int part, int row) {
        return (part * rows + row) * width;
    }

    /** Zero in these columns of a part. */
    void clear(int part, int column, int count) {
        for (int row = 0; row < rows; row++) {
            int from = row(part, row) + column;
            if (keys != null) {
                Arrays.fill(keys, from, from + count, 0);
            }
            if (queries != null) {
                Arrays.fill(queries, from, from + count, 0);
            }
        }
    }

    /** Writes the sums over the parts. */
    void write(Workers workers) {
        write(workers, keys, gradient.dRelativeKeys());
        write(workers, queries, gradient.dRelativeQueries());
    }

    private void write(Workers workers, float[] sums, MatrixView to) {
        if (to == null) {
            return;
        }
        float[] y = floats(to, "the gradient");
        Chunks.rows(workers, rows, parts * width, (from, end) -> {
            for (int row = from; row < end; row++) {
                int at = offset(to) + row * to.rowStride();
                System.arraycopy(sums, row(0, row), y, at, width);
                for (int part = 1; part < parts; part++) {
                    ElementwiseKernels.add(sums, row(part, row), y, at, width, 1);
                }
            }
        });
    }
}
