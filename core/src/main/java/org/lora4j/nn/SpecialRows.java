package org.lora4j.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * The rows of a pass that hold no token of the vocabulary but one that a method has put into the sequence, see
 * {@link TokenEmbedding#prefix} and {@link TokenEmbedding#infix}. Row n of the pass is special where its id is V or more; it
 * stands for row {@code id − V} of a table S that the method trains:
 *
 * <pre>
 *   put     x[n] ← S[id[n] − V]                        x: (N, C)   S: (special tokens, C)
 *   addTo   ∂L/∂S[i] += Σ over n with id[n] − V = i of dx[n]
 *   clear   dx[n] ← 0, since what stood in a row before was replaced
 * </pre>
 *
 * <p>It is a note in the pass's workspace, for all layers that the method has put in. Sums go over the rows in their order.
 */
public final class SpecialRows {

    /** Neighbours in the pass that are neighbours in the table. */
    private record Run(int row, int index, int count) {
    }

    private final IntTensor ids;
    private final IntTensor words;
    private final List<Run> runs;
    private final int longest;

    private SpecialRows(IntTensor ids, IntTensor words, List<Run> runs) {
        this.ids = ids;
        this.words = words;
        this.runs = runs;
        longest = runs.stream().mapToInt(Run::count).max().orElseThrow();
    }

    /**
     * Begins a pass: notes which of its rows are special, if any is.
     *
     * @param ids        (N) those of the pass
     * @param onBackend  the same
     * @param vocabulary V
     */
    public static void begin(int[] ids, IntTensor onBackend, int vocabulary, Workspace ws) {
        List<Run> runs = new ArrayList<>();
        int row = 0;
        while (row < ids.length) {
            int end = row + 1;
            if (ids[row] >= vocabulary) {
                while (end < ids.length && ids[end] == ids[end - 1] + 1) {
                    end++;
                }
                runs.add(new Run(row, ids[row] - vocabulary, end - row));
            }
            row = end;
        }
        if (runs.isEmpty()) {
            ws.note(SpecialRows.class, null);
            return;
        }
        int[] words = Arrays.stream(ids).map(id -> id < vocabulary ? id : 0).toArray();
        ws.note(SpecialRows.class, new SpecialRows(onBackend, ws.ints(SpecialRows.class, "words", words), runs));
    }

    /** Those of the pass; null where it has none. */
    public static @Nullable SpecialRows of(Workspace ws) {
        return ws.note(SpecialRows.class);
    }

    /** Those of these ids; null where they have none, as those of token types. */
    public static @Nullable SpecialRows of(IntTensor ids, Workspace ws) {
        SpecialRows rows = of(ws);
        return rows != null && rows.ids.buffer() == ids.buffer() ? rows : null;
    }

    /** The pass's ids, with token 0 in the place of those that are none. */
    public IntTensor words() {
        return words;
    }

    /**
     * Copies the rows of S to where they stand in x.
     *
     * @param x its special rows are written, the others stay
     */
    public void put(MatrixView table, MatrixView x, Workspace ws) {
        for (Run run : runs) {
            ws.backend().copy(table.rows(run.index, run.count), x.rows(run.row, run.count));
        }
    }

    /** The inverse of {@link #put}: S ← the special rows of x; of one that occurs more than once, the last. */
    public void take(MatrixView x, MatrixView table, Workspace ws) {
        for (Run run : runs) {
            ws.backend().copy(x.rows(run.row, run.count), table.rows(run.index, run.count));
        }
    }

    /**
     * Adds the special rows' gradients to that of S.
     *
     * @param gradient of S; added to
     */
    public void addTo(MatrixView gradient, MatrixView dx, Workspace ws) {
        for (Run run : runs) {
            ws.backend().add(dx.rows(run.row, run.count), gradient.rows(run.index, run.count), 1);
        }
    }

    /** dx ← 0 in the special rows. */
    public void clear(MatrixView dx, Workspace ws) {
        Tensor zeros = ws.block(SpecialRows.class, "zeros", longest, dx.columns());
        ws.backend().fill(zeros, 0);
        for (Run run : runs) {
            ws.backend().copy(zeros.rows(0, run.count), dx.rows(run.row, run.count));
        }
    }
}
