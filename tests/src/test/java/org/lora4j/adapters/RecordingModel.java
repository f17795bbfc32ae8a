package org.lora4j.adapters;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.lora4j.backend.Backend;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.model.CausalModel;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Past;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** A GPT-2 that remembers every row of logits it has given, by the hash of its bits, and every pool. */
record RecordingModel(Gpt2 model, Set<Integer> rows, List<KeyValuePool> pools) implements Model, CausalModel {

    RecordingModel(Gpt2 model) {
        this(model, new HashSet<>(), new ArrayList<>());
    }

    @Override
    public Tensor next(int[] ids, int[] positions, Past past, int[] wanted, Workspace ws) {
        Tensor logits = model.next(ids, positions, past, wanted, ws);
        float[] values = backend().readFloats(logits);
        int vocabulary = vocabularySize();
        for (int row = 0; row < logits.rows(); row++) {
            rows.add(Arrays.hashCode(Arrays.copyOfRange(values, row * vocabulary, (row + 1) * vocabulary)));
        }
        return logits;
    }

    @Override
    public Backend backend() {
        return model.backend();
    }

    @Override
    public int vocabularySize() {
        return model.vocabularySize();
    }

    @Override
    public int maxLength() {
        return model.maxLength();
    }

    @Override
    public KeyValuePool newPool(int positions) {
        pools.add(model.newPool(positions));
        return pools.getLast();
    }

    @Override
    public long bytesPerPosition() {
        return model.bytesPerPosition();
    }

    @Override
    public List<Slot<Projection>> projections() {
        return model.projections();
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return model.embeddings();
    }

    @Override
    public List<Parameter> parameters() {
        return model.parameters();
    }

    @Override
    public ModelNames names() {
        return model.names();
    }

    @Override
    public ModelSizes sizes() {
        return model.sizes();
    }

    @Override
    public long parameterCount() {
        return model.parameterCount();
    }

    @Override
    public boolean isTied() {
        return model.isTied();
    }

    @Override
    public String settings() {
        return model.settings();
    }

    @Override
    public String description() {
        return model.description();
    }
}
