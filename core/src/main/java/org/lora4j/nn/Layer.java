package org.lora4j.nn;

import java.util.List;

/** A part of a model that has parameters. It holds nothing else: what a pass computes lives in its {@link Workspace}. */
public interface Layer {

    /** This layer's parameters, frozen and trainable, in the order in which the model's files name them. */
    List<Parameter> parameters();

    /** Whether anything in here trains. */
    default boolean trains() {
        for (Parameter parameter : parameters()) {
            if (parameter.isTrainable()) {
                return true;
            }
        }
        return false;
    }
}
