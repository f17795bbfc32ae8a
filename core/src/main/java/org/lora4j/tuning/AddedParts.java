package org.lora4j.tuning;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.lora4j.LoraException;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;

/**
 * New parameters that a method has put into a model, some of the base's own that train on copies beside them, and the head of
 * a classifier: what adapter layers and prefixes have in common. Saved as a folder, see {@link MethodFolder}.
 */
public final class AddedParts implements AdapterTuning {

    private final AdapterMethod method;
    private final Model model;
    private final List<Parameter> added;
    private final List<Parameter> copies;
    private final Runnable remove;

    private AddedParts(AdapterMethod method, Model model, List<Parameter> added, List<Parameter> copies, Runnable remove) {
        this.method = method;
        this.model = model;
        this.added = added;
        this.copies = copies;
        this.remove = remove;
    }

    /**
     * Everything of it trains from here on.
     *
     * @param added  the method's own parameters, in the model's order; initialised
     * @param copied which of the base's parameters train on copies, beside a classifier's head, which always does
     * @param remove takes the method's own parts out of the model
     */
    public static AddedParts of(
            AdapterMethod method, Model model, List<Parameter> added, Predicate<Parameter> copied, Runnable remove) {
        List<Parameter> copies = model.parameters().stream().filter(parameter -> !added.contains(parameter)
                && (copied.test(parameter) || TrainedCopies.isOfClassifier(model, parameter))).toList();
        added.forEach(Parameter::train);
        copies.forEach(Parameter::trainCopy);
        return new AddedParts(method, model, List.copyOf(added), copies, remove);
    }

    /**
     * Refuses a model in which something trains already.
     *
     * @throws LoraException if something trains in the model, by whatever method
     */
    public static void requireNothingTrains(Model model, TuningMethod method) {
        TrainedCopies.requireNothingTrains(model, method);
    }

    @Override
    public Model model() {
        return model;
    }

    @Override
    public AdapterMethod method() {
        return method;
    }

    @Override
    public String settings() {
        return method.name() + ", " + added.size() + " new tensors" + (copies.isEmpty() ? "" : ", with "
                + String.join(", ", copies.stream().map(Parameter::name).toList()));
    }

    @Override
    public List<Parameter> trainable() {
        List<Parameter> trainable = new ArrayList<>(added);
        trainable.addAll(copies);
        return trainable;
    }

    @Override
    public List<PeftFormat.Entry> entries() {
        return trainable().stream().map(parameter -> PeftFormat.entry(model, method.key(parameter), parameter)).toList();
    }

    @Override
    public void save(Path folder, String base, Map<String, String> metadata, ModelWriter writer) {
        MethodFolder.save(this, folder, base, metadata);
    }

    @Override
    public AddedParts freeze() {
        trainable().forEach(parameter -> {
            parameter.freeze();
            model.backend().freeze(parameter.value());
        });
        return this;
    }

    @Override
    public void detach() {
        remove.run();
        added.forEach(Parameter::freeze);
        copies.forEach(Parameter::restore);
    }
}
