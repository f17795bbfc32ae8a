package org.lora4j.nn;

import java.util.List;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.tensor.Tensor;

/**
 * Queries, keys and values from one product, of which they are views:
 *
 * <pre>
 *   [q k v] = x·Wᵀ + b          x: (N, C)   W: (width + 2·keyWidth, C)
 *
 *   ∂L/∂x = [∂L/∂q ∂L/∂k ∂L/∂v]·W
 * </pre>
 */
public final class FusedMaps implements AttentionMaps {

    private final Slot<Projection> qkv;
    private final int width;
    private final int keyWidth;

    /**
     * One map for q, k and v.
     *
     * @param qkv its outputs in the order q, k, v
     */
    public FusedMaps(Slot<Projection> qkv, AttentionHeads heads) {
        this.qkv = qkv;
        width = heads.width();
        keyWidth = heads.keyWidth();
        SeparateMaps.requireFeatures(qkv, "queries, keys and values", width + 2 * keyWidth);
    }

    @Override
    public QueriesKeysValues forward(Tensor x, Tensor asking, Workspace ws) {
        Tensor fused = fused(x.rows(), ws);
        qkv.get().forward(x, fused, ws);
        ws.show(qkv.name(), fused);
        return cut(fused);
    }

    @Override
    public void backward(Sequences sequences, int queries, Tensor dx, Workspace ws) {
        Tensor gradient = gradient(sequences.rows(), ws);
        ws.showGradient(qkv.name(), gradient);
        qkv.get().backward(gradient, dx, ws);
    }

    @Override
    public QueriesKeysValues made(int rows, int queries, Workspace ws) {
        return cut(fused(rows, ws));
    }

    @Override
    public QueriesKeysValues gradients(int rows, int queries, Workspace ws) {
        return cut(gradient(rows, ws));
    }

    private Tensor fused(int rows, Workspace ws) {
        return ws.activation(this, "qkv", rows, width + 2 * keyWidth);
    }

    private Tensor gradient(int rows, Workspace ws) {
        return ws.scratch("attention.dqkv", rows, width + 2 * keyWidth);
    }

    private QueriesKeysValues cut(Tensor fused) {
        return new QueriesKeysValues(
                fused.columns(0, width), fused.columns(width, keyWidth), fused.columns(width + keyWidth, keyWidth));
    }

    @Override
    public List<Slot<Projection>> slots() {
        return List.of(qkv);
    }
}
