package org.lora4j.family;

import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.model.CausalModel;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** A model that predicts each token from those before it: it learns from batches of tokens, and it writes. */
public interface LanguageModel extends CausalModel, TrainableModel<Batch> {

    /**
     * The logits of every position, (B·T, V): for auditors and small batches; training makes only those it needs.
     *
     * @return in memory of the workspace
     */
    Tensor logits(Batch batch, Workspace ws);

    @Override
    default int vocabularySize() {
        return sizes().vocabulary();
    }

    @Override
    default int maxLength() {
        return sizes().positions() - prefix().length - infix().length;
    }

    @Override
    default KeyValuePool newPool(int positions) {
        return new KeyValuePool(backend(), sizes().blocks(), positions, sizes().keyWidth());
    }

    @Override
    default long bytesPerPosition() {
        return KeyValuePool.bytesPerPosition(sizes().blocks(), sizes().keyWidth());
    }

    @Override
    Backend backend();
}
