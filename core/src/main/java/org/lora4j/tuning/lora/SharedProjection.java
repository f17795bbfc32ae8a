package org.lora4j.tuning.lora;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.MatrixProduct;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** A map of the base with the updates that the adapters of a set have for it. */
final class SharedProjection extends SharedUpdates<Projection, Linear, LoraProjection> implements Projection {

    SharedProjection(AdapterSet set, Linear base) {
        super(set, base);
    }

    @Override
    public void forward(Tensor x, Tensor y, Workspace ws) {
        AdapterMix mix = set.mixOf(ws);
        if (mix == null) {
            current().forward(x, y, ws);
        } else {
            forward(x, y, mix, ws);
        }
    }

    private void forward(Tensor x, Tensor y, AdapterMix mix, Workspace ws) {
        Parameter bias = base.bias();
        boolean ownBiases = bias != null
                && mix.runs().stream().anyMatch(run -> run.adapter() != null && run.adapter().biasValue(bias) != bias.value());
        if (ownBiases) { // each run adds its own
            ws.backend().linear(x.matrix(), base.weight().value().matrix(), null, y.matrix());
        } else {
            base.forward(x, y, ws);
        }
        int each = mix.rowsPerSequence(x.rows());
        if (ownBiases) {
            for (AdapterMix.Run run : mix.runs()) {
                ws.backend().addRow(LowRank.asRow(biasOf(run)), 1, y.rows(run.first() * each, run.count() * each));
            }
        }
        addUpdates(x, y, mix, each, ws);
    }

    /** What a run's rows have beside x·W₀ᵀ, or null for nothing. */
    private @Nullable Tensor biasOf(AdapterMix.Run run) {
        Parameter bias = base.bias();
        return bias == null ? null : run.adapter() == null ? bias.value() : run.adapter().biasValue(bias);
    }

    /**
     * The updates of all runs: first u = x·Aᵀ of each, then what u·Bᵀ adds to each, so that two times many small products are to
     * be computed that do not depend on each other. Their u lie side by side in memory of one width.
     */
    private void addUpdates(Tensor x, Tensor y, AdapterMix mix, int each, Workspace ws) {
        List<MatrixProduct> down = new ArrayList<>();
        List<MatrixProduct> up = new ArrayList<>();
        Tensor u = ws.scratch("u", x.rows(), widest(mix));
        for (AdapterMix.Run run : mix.runs()) {
            LoraProjection update = updates.get(run.adapter());
            if (update == null) {
                continue;
            }
            int from = run.first() * each;
            int count = run.count() * each;
            if (update instanceof LowRankMap map) {
                map.addUpdate(x.rows(from, count), y.rows(from, count), u.rows(from, count).columns(0, map.width()), down, up);
            } else {
                update.addUpdate(x.rows(from, count), y.rows(from, count), biasOf(run), ws);
            }
        }
        ws.backend().matmulAll(down);
        ws.backend().matmulAll(up);
    }

    /** Columns for the u of each run; a power of two, so that they are of few sizes. */
    private int widest(AdapterMix mix) {
        int most = 1;
        for (AdapterMix.Run run : mix.runs()) {
            if (updates.get(run.adapter()) instanceof LowRankMap map) {
                most = Math.max(most, map.width());
            }
        }
        return Integer.highestOneBit(2 * most - 1);
    }

    @Override
    public void backward(Tensor dy, @Nullable Tensor dx, Workspace ws) {
        current().backward(dy, dx, ws);
    }

    @Override
    public int inFeatures() {
        return base.inFeatures();
    }

    @Override
    public int outFeatures() {
        return base.outFeatures();
    }

    @Override
    public boolean keepsInput() {
        return current().keepsInput();
    }
}
