package org.lora4j.tuning.lora;

import org.jspecify.annotations.Nullable;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.MatrixView;
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
        for (AdapterMix.Run run : mix.runs()) {
            MatrixView rows = y.rows(run.first() * each, run.count() * each);
            Tensor own = bias == null ? null : run.adapter() == null ? bias.value() : run.adapter().biasValue(bias);
            if (ownBiases) {
                ws.backend().addRow(LowRank.asRow(own), 1, rows);
            }
            LoraProjection update = updates.get(run.adapter());
            if (update != null) {
                update.addUpdate(x.rows(run.first() * each, run.count() * each), rows, own, ws);
            }
        }
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
