package org.lora4j.tuning.lora;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/** An embedding of the base with the updates that the adapters of a set have for it; see {@link SharedProjection}. */
final class SharedEmbedding implements TokenEmbedding {

    private final AdapterSet set;
    private final Embedding base;
    private final Map<LoraAdapter, LoraEmbedding> updates = new IdentityHashMap<>();

    SharedEmbedding(AdapterSet set, Embedding base) {
        this.set = set;
        this.base = base;
    }

    @Override
    public void forward(IntTensor ids, Tensor y, double beta, Workspace ws) {
        AdapterMix mix = set.mixOf(ws);
        if (mix == null) {
            current().forward(ids, y, beta, ws);
            return;
        }
        base.forward(ids, y, beta, ws);
        int each = mix.rowsPerSequence(y.rows());
        for (AdapterMix.Run run : mix.runs()) {
            LoraEmbedding update = updates.get(run.adapter());
            if (update != null) {
                update.addUpdate(ids, run.first() * each, run.count() * each, y, ws);
            }
        }
    }

    @Override
    public void backward(IntTensor ids, Tensor dy, Workspace ws) {
        current().backward(ids, dy, ws);
    }

    private TokenEmbedding current() {
        LoraEmbedding update = updates.get(set.current());
        return update == null ? base : update;
    }

    void put(LoraAdapter adapter, LoraEmbedding update) {
        updates.put(adapter, update);
    }

    void remove(LoraAdapter adapter) {
        updates.remove(adapter);
    }

    Embedding base() {
        return base;
    }

    @Override
    public int rows() {
        return base.rows();
    }

    @Override
    public int features() {
        return base.features();
    }

    @Override
    public List<Parameter> parameters() {
        return current().parameters();
    }
}
