package org.lora4j.tuning;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;

/** A {@link TuningMethod} at work on a model. */
public interface Tuning {

    /** What {@link #save} leaves in the folder. */
    enum Saved {
        /** An adapter, to be loaded beside the base. */
        ADAPTER,
        /** A whole model, to be loaded in the base's place. */
        MODEL
    }

    /**
     * Writes a whole model as its family's files.
     *
     * @see Tuning#save
     */
    @FunctionalInterface
    interface ModelWriter {
        /** Writes the model into the folder, with this metadata beside its tensors. */
        void write(Model model, Path folder, Map<String, String> metadata);
    }

    /** The model that is adapted. */
    Model model();

    /** The method that made this. */
    TuningMethod method();

    /** The method's {@link TuningMethod#name}. */
    default String name() {
        return method().name();
    }

    /** The method's {@link TuningMethod#title}. */
    default String title() {
        return method().title();
    }

    /** Everything that decides what trains and from where it starts, in one line: what a checkpoint must agree with. */
    String settings();

    /** What trains, in the model's order; each has a gradient. */
    List<Parameter> trainable();

    /** The number of trainable numbers, the paper's "# trainable parameters". */
    default long parameterCount() {
        return trainable().stream().mapToLong(Parameter::size).sum();
    }

    /** What {@link #save} writes: an adapter, or a whole model. */
    Saved saved();

    /**
     * Writes what was trained, from the parameters' current values, in one atomic step.
     *
     * @param base     what an adapter names as its base
     * @param metadata what travels with the tensors
     * @param writer   used where {@link #saved} is a model
     */
    void save(Path folder, String base, Map<String, String> metadata, ModelWriter writer);

    /** Takes it out again: the model then has the base's tensors and layers, bit for bit, and nothing trains. */
    void detach();
}
