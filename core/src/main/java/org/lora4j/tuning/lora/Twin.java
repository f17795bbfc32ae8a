package org.lora4j.tuning.lora;

import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Layer;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;

/**
 * A model's slots once more, with the base's own layers in them: where an adapter is attached that another thread loads while
 * the model is at work. It shares the base's tensors and computes nothing.
 */
final class Twin implements Model {

    private final Model model;
    private final List<Slot<Projection>> projections;
    private final List<Slot<TokenEmbedding>> embeddings;

    /** @param model without an adapter */
    Twin(Model model) {
        this(model, model.projections().stream().map(Twin::copy).toList(), model.embeddings().stream().map(Twin::copy).toList());
    }

    private Twin(Model model, List<Slot<Projection>> projections, List<Slot<TokenEmbedding>> embeddings) {
        this.model = model;
        this.projections = projections;
        this.embeddings = embeddings;
    }

    private static <L extends Layer> Slot<L> copy(Slot<L> slot) {
        return new Slot<>(slot.name(), slot.role(), slot.block(), slot.parts(), slot.get());
    }

    /** One more, for one adapter; this one stays as it is. */
    Twin another() {
        return new Twin(model, projections.stream().map(Twin::copy).toList(), embeddings.stream().map(Twin::copy).toList());
    }

    Model model() {
        return model;
    }

    @Override
    public Backend backend() {
        return model.backend();
    }

    @Override
    public ModelSizes sizes() {
        return model.sizes();
    }

    @Override
    public ModelNames names() {
        return model.names();
    }

    @Override
    public List<Slot<Projection>> projections() {
        return projections;
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return embeddings;
    }

    /** None: whatever trains one of the base's would train the model's own, which is at work. */
    @Override
    public List<Parameter> parameters() {
        return List.of();
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
    public String description() {
        return model.description();
    }

    @Override
    public String settings() {
        return model.settings();
    }
}
