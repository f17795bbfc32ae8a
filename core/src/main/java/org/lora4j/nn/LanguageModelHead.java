package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A language model's head and its loss, for the positions that have a target and for no others:
 *
 * <pre>
 *   z = h·Eᵀ      loss = softmax cross-entropy of z with label smoothing          h: (n, C)   E: (V, C)   z: (n, V)
 *
 *   ∂L/∂z = weight·(softmax(z) − smoothed target)      ∂L/∂h = ∂L/∂z·E      ∂L/∂E = ∂L/∂zᵀ·h
 * </pre>
 *
 * <p>Logits are made for a few rows at a time and turned into their gradient in place, so the full n × V matrix never
 * exists. E is the token embedding's own table where the model ties the two.
 */
public final class LanguageModelHead implements Module {

    /** Elements of one block of logits: small enough for a cache to help, large enough for a good product. */
    private static final int BLOCK_ELEMENTS = 1 << 21;

    private final Parameter table;

    /** @param table E, (V, C) */
    public LanguageModelHead(Parameter table) {
        this.table = table;
    }

    /** z ← h·Eᵀ for all rows of h; for generation and for auditors. */
    public void logits(Tensor h, Tensor z, Workspace ws) {
        ws.backend().linear(h.matrix(), table.value().matrix(), null, z.matrix());
    }

    /** Σ of the losses of the rows of h (n, C) against {@code targets[0 … n − 1]}. */
    public double loss(Tensor h, int[] targets, double labelSmoothing, Workspace ws) {
        return blocks(h, targets, labelSmoothing, 0, null, ws);
    }

    /**
     * The same, with gradients.
     *
     * @param weight what each loss counts in the objective, 1/(number of targets) for a mean
     * @param dh     ∂L/∂h (n, C); written
     * @return Σ of the losses, without the weight
     */
    public double lossAndGradient(
            Tensor h, int[] targets, double labelSmoothing, double weight, Tensor dh, Workspace ws) {
        return blocks(h, targets, labelSmoothing, weight, dh, ws);
    }

    private double blocks(Tensor h, int[] targets, double labelSmoothing, double weight, Tensor dh, Workspace ws) {
        Backend backend = ws.backend();
        int rows = h.rows();
        if (rows == 0) {
            return 0;
        }
        int vocabulary = table.shape().dim(0);
        int blockRows = Math.clamp(BLOCK_ELEMENTS / vocabulary, 16, 512);
        Tensor losses = ws.scratch("head.losses", rows, 1);
        for (int from = 0; from < rows; from += blockRows) {
            int count = Math.min(blockRows, rows - from);
            Tensor z = block(ws.scratch("head.z", blockRows, vocabulary), count, vocabulary);
            Tensor blockLosses = block(ws.scratch("head.blockLosses", blockRows, 1), count, 1);
            IntTensor blockTargets = ws.ints(this, "targets", blockRows).as(Shape.of(count));
            backend.upload(targets, from, blockTargets, count);
            backend.linear(h.rows(from, count), table.value().matrix(), null, z.matrix());
            if (dh == null) {
                backend.crossEntropy(z, blockTargets, labelSmoothing, blockLosses);
            } else {
                backend.crossEntropyWithGradient(z, blockTargets, labelSmoothing, weight, blockLosses);
                backend.matmul(z.matrix(), table.value().matrix(), dh.rows(from, count), 1, 0);
                if (table.isTrainable()) {
                    backend.matmul(z.matrix().t(), h.rows(from, count), table.gradient().matrix(), 1, 1);
                }
            }
            backend.copy(blockLosses.matrix(), losses.rows(from, count));
        }
        return backend.sum(losses);
    }

    private static Tensor block(Tensor whole, int rows, int columns) {
        return whole.rows() == rows ? whole : whole.as(Shape.of(rows, columns));
    }

    public int vocabularySize() {
        return table.shape().dim(0);
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(table);
    }
}
