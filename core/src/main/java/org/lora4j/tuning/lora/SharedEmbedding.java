package org.lora4j.tuning.lora;

import org.lora4j.nn.Embedding;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/** An embedding of the base with the updates that the adapters of a set have for it. */
final class SharedEmbedding extends SharedUpdates<TokenEmbedding, Embedding, LoraEmbedding> implements TokenEmbedding {

    SharedEmbedding(AdapterSet set, Embedding base) {
        super(set, base);
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

    @Override
    public int rows() {
        return base.rows();
    }

    @Override
    public int features() {
        return base.features();
    }
}
