package org.lora4j.nn;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Activation;
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
 *   with a cap, z ← cap·tanh(z/cap) before the loss, as in Gemma 2
 *
 *   ∂L/∂z = weight·(softmax(z) − smoothed target)      ∂L/∂h = ∂L/∂z·E      ∂L/∂E = ∂L/∂zᵀ·h
 * </pre>
 *
 * <p>Logits are made for a few rows at a time and turned into their gradient in place, so the full n × V matrix never
 * exists. Where the model ties its head, the projection's weight is the token embedding's own table.
 */
public final class LanguageModelHead implements Layer {

    /** Elements of one block of logits, 32 MB: every block reads the whole table, so there should not be many. */
    private static final int BLOCK_ELEMENTS = 1 << 23;

    /** Where a {@link Tap} sees the loss of each target. */
    private static final String LOSSES = "loss";

    private final Slot<Projection> projection;
    private final double cap;

    /**
     * A head whose logits are as the projection gives them.
     *
     * @param projection C → V, without a bias
     */
    public LanguageModelHead(Slot<Projection> projection) {
        this(projection, 0);
    }

    /**
     * The same, with logits that are held below a cap.
     *
     * @param cap what the logits stay below, softly: z ← cap·tanh(z/cap); 0 for none
     */
    public LanguageModelHead(Slot<Projection> projection, double cap) {
        this.projection = projection;
        this.cap = cap;
    }

    /** z ← h·Eᵀ for all rows of h; for generation and for auditors. */
    public void logits(Tensor h, Tensor z, Workspace ws) {
        projection.get().forward(h, z, ws);
        soften(z, null, ws);
        ws.show(projection.name(), z);
    }

    /**
     * z ← cap·tanh(z/cap), where there is a cap.
     *
     * @param scaled gets z/cap for backward; null where none follows
     */
    private void soften(Tensor z, @Nullable Tensor scaled, Workspace ws) {
        if (cap != 0) {
            Backend backend = ws.backend();
            backend.scale(z, 1 / cap);
            if (scaled != null) {
                backend.copy(z.matrix(), scaled.matrix());
            }
            backend.activate(Activation.TANH, z, z);
            backend.scale(z, cap);
        }
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
            Tensor h, int[] targets, double labelSmoothing, double weight, @Nullable Tensor dh, Workspace ws) {
        return blocks(h, targets, labelSmoothing, weight, dh, ws);
    }

    private double blocks(Tensor h, int[] targets, double labelSmoothing, double weight, @Nullable Tensor dh, Workspace ws) {
        Backend backend = ws.backend();
        int rows = h.rows();
        int width = h.columns();
        if (rows == 0) {
            return 0;
        }
        int vocabulary = vocabularySize();
        int blockRows = Math.clamp(BLOCK_ELEMENTS / vocabulary, 16, 512);
        Tensor losses = ws.tensor(this, "losses", rows, 1);
        int even = Math.ceilDiv(rows, Math.ceilDiv(rows, blockRows)); // no block of a few rows is left over
        for (int from = 0; from < rows; from += even) {
            int count = Math.min(even, rows - from);
            ws.beginPiece(from / even);
            Tensor hBlock = first(count, ws.block(this, "h", blockRows, width));
            Tensor z = first(count, ws.block(this, "z", blockRows, vocabulary));
            Tensor blockLosses = first(count, ws.block(this, "blockLosses", blockRows, 1));
            IntTensor blockTargets = ws.ints(this, "targets", blockRows).as(Shape.of(count));
            backend.upload(targets, from, blockTargets, count);
            backend.copy(h.rows(from, count), hBlock.matrix());
            projection.get().forward(hBlock, z, ws);
            Tensor scaled = cap == 0 || dh == null ? null : first(count, ws.block(this, "scaled", blockRows, vocabulary));
            soften(z, scaled, ws);
            ws.show(projection.name(), z);
            if (dh == null) {
                backend.crossEntropy(z, blockTargets, labelSmoothing, blockLosses);
            } else {
                backend.crossEntropyWithGradient(z, blockTargets, labelSmoothing, weight, blockLosses);
                ws.showGradient(projection.name(), z);
                if (scaled != null) { // cap·tanh′(z/cap)/cap
                    backend.activateBackward(Activation.TANH, scaled, z, z);
                }
                Tensor dhBlock = first(count, ws.block(this, "dh", blockRows, width));
                projection.get().backward(z, dhBlock, ws);
                backend.copy(dhBlock.matrix(), dh.rows(from, count));
            }
            backend.copy(blockLosses.matrix(), losses.rows(from, count));
        }
        ws.beginPiece(0);
        ws.show(LOSSES, losses);
        return backend.sum(losses);
    }

    /** The first rows of a block's memory. */
    private static Tensor first(int rows, Tensor block) {
        return block.rows() == rows ? block : block.as(Shape.of(rows, block.columns()));
    }

    /** V: the logits of a position. */
    public int vocabularySize() {
        return projection.get().outFeatures();
    }

    /** The map from C to V. */
    public Slot<Projection> projection() {
        return projection;
    }

    @Override
    public List<Parameter> parameters() {
        return projection.parameters();
    }
}
