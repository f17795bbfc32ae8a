package org.lora4j.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A row of features for each {@link Distances distance}, which all blocks share:
 *
 * <pre>
 *   r = R, or norm(R)          R, r: (2·span, C)
 *
 *   ∂L/∂R = norm′(Σ over blocks of ∂L/∂r)
 * </pre>
 *
 * <p>A pass takes only the rows that occur in it, 2·T − 1 of them at most. {@link DisentangledMaps} of every block find them in
 * the workspace.
 */
public final class RelativeEmbeddings implements Layer {

    private final Parameter table;
    private final @Nullable Normalisation norm;
    private final Distances distances;
    private final String name;

    /**
     * The rows of a pass.
     *
     * @param first    the first row's number in R
     * @param rows     r (P, C); read
     * @param gradient ∂L/∂r (P, C), to which blocks add; null where nothing of it trains
     * @param numbers  (2·T − 1), δ(t − s) less the first row's number, at t − s + T − 1
     */
    record Pass(int first, Tensor rows, @Nullable Tensor gradient, IntTensor numbers) {

        int count() {
            return rows.rows();
        }
    }

    /**
     * Vectors for distances, which every block maps by its own maps.
     *
     * @param table R, as many rows as the distances have
     * @param norm  null for none
     */
    public RelativeEmbeddings(Parameter table, @Nullable Normalisation norm, Distances distances) {
        if (table.shape().dim(0) != distances.rows()) {
            throw new IllegalArgumentException(table + ", expected a row for each of " + distances.rows() + " distances");
        }
        this.table = table;
        this.norm = norm;
        this.distances = distances;
        name = table.name().replaceFirst("\\.weight$", "");
    }

    /** Lays the rows of a pass out; to be called before the first block. */
    public void forward(int length, Workspace ws) {
        Backend backend = ws.backend();
        int[] numbers = new int[2 * length - 1];
        Arrays.setAll(numbers, i -> distances.row(i - length + 1));
        int first = Arrays.stream(numbers).min().orElseThrow();
        int count = Arrays.stream(numbers).max().orElseThrow() - first + 1;
        Arrays.setAll(numbers, i -> numbers[i] - first);
        IntTensor rowNumbers = ws.ints(this, "distances", numbers);
        Tensor own = memory("own", count, ws);
        backend.copy(table.value().rows(first, count), own.matrix());
        Tensor rows = own;
        if (norm != null) {
            rows = memory("rows", count, ws);
            norm.forward(own, rows, ws);
        }
        ws.show(name, rows);
        Tensor gradient = null;
        if (ws.training() && trains()) {
            gradient = memory("gradient", count, ws);
            backend.fill(gradient, 0);
        }
        ws.note(Pass.class, new Pass(first, rows, gradient, rowNumbers));
    }

    /** Backward of what the blocks have added; to be called behind the lowest block. */
    public void backward(Workspace ws) {
        Tensor gradient = pass(ws).gradient();
        if (gradient == null) {
            return;
        }
        ws.showGradient(name, gradient);
        if (norm != null) {
            Tensor own = memory("dOwn", gradient.rows(), ws);
            ws.backend().fill(own, 0);
            norm.backward(gradient, own, ws);
            gradient = own;
        }
        if (table.isTrainable()) {
            ws.backend().add(gradient.matrix(), table.gradient().rows(pass(ws).first(), gradient.rows()), 1);
        }
    }

    /** The rows of this pass. */
    Pass pass(Workspace ws) {
        Pass pass = ws.note(Pass.class);
        if (pass == null) {
            throw new IllegalStateException("a block before the relative embeddings' forward");
        }
        return pass;
    }

    /** Room for all rows at once: how many occur depends on the length, and passes should allocate nothing. */
    private Tensor memory(String word, int rows, Workspace ws) {
        return ws.block(this, word, distances.rows(), table.shape().dim(1)).as(Shape.of(rows, table.shape().dim(1)));
    }

    /** Which row of the table a distance has. */
    public Distances distances() {
        return distances;
    }

    /** The norm, if it has one. */
    public @Nullable Normalisation norm() {
        return norm;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        parameters.add(table);
        if (norm != null) {
            parameters.addAll(norm.parameters());
        }
        return parameters;
    }
}
