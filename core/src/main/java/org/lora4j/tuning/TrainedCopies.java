package org.lora4j.tuning;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.lora4j.LoraException;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;

/**
 * Trains some of the model's own parameters, each on a copy, so that the base stays as it is: what full fine-tuning, BitFit
 * and training the top blocks have in common. Saved as a whole model.
 */
final class TrainedCopies implements Tuning {

    private final TuningMethod method;
    private final Model model;
    private final List<Parameter> parameters;

    private TrainedCopies(TuningMethod method, Model model, List<Parameter> parameters) {
        this.method = method;
        this.model = model;
        this.parameters = parameters;
    }

    /** @param trains which of the model's parameters train; the head of a classifier does whatever it says */
    static TrainedCopies of(TuningMethod method, Model model, Predicate<Parameter> trains) {
        requireNothingTrains(model, method);
        List<Parameter> parameters = new ArrayList<>();
        for (Parameter parameter : model.parameters()) {
            if (trains.test(parameter) || isOfClassifier(model, parameter)) {
                parameters.add(parameter);
            }
        }
        if (parameters.isEmpty()) {
            throw new LoraException(method.name() + ": " + model.description() + " has no parameter that " + method.title()
                    + " trains");
        }
        parameters.forEach(Parameter::trainCopy);
        return new TrainedCopies(method, model, List.copyOf(parameters));
    }

    static void requireNothingTrains(Model model, TuningMethod method) {
        for (Parameter parameter : model.parameters()) {
            if (parameter.isTrainable()) {
                throw new LoraException(parameter.name() + " trains already: detach the method that " + model.description()
                        + " has before " + method.title());
            }
        }
    }

    /** A head begins with random numbers, and perhaps what stands before it, so it trains with every method. */
    static boolean isOfClassifier(Model model, Parameter parameter) {
        String name = parameter.name();
        return model instanceof Classifier<?> classifier && (model.names().isOfClassifier(name) || classifier.newModules().stream()
                .anyMatch(module -> name.substring(0, Math.max(0, name.lastIndexOf('.'))).endsWith(module)));
    }

    @Override
    public Model model() {
        return model;
    }

    @Override
    public TuningMethod method() {
        return method;
    }

    @Override
    public String settings() {
        return method.name();
    }

    @Override
    public List<Parameter> trainable() {
        return parameters;
    }

    @Override
    public Saved saved() {
        return Saved.MODEL;
    }

    @Override
    public void save(Path folder, String base, Map<String, String> metadata, ModelWriter writer) {
        writer.write(model, folder, metadata);
    }

    @Override
    public void detach() {
        parameters.forEach(Parameter::restore);
    }
}
