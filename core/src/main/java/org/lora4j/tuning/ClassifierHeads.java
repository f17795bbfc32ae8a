package org.lora4j.tuning;

import java.util.List;
import org.lora4j.model.Classifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;

/** The head of a classifier, which every method trains beside its own: pretraining has not made it. */
final class ClassifierHeads {

    private ClassifierHeads() {
    }

    /** Its modules; none where the model is no classifier. */
    static List<String> modules(Model model) {
        return model instanceof Classifier<?> ? model.names().classifierModules() : List.of();
    }

    /** Whether the parameter is in it. */
    static boolean holds(Model model, Parameter parameter) {
        return model instanceof Classifier<?> && model.names().isOfClassifier(parameter.name());
    }
}
