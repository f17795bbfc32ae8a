package org.lora4j.family;

import java.util.List;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;

/** What a {@code config.json} says, as far as it does not depend on the family. */
public interface ModelConfig {

    /** How the family calls its tensors and modules. */
    ModelNames names();

    /** How large the model is. */
    ModelSizes sizes();

    /** Whether the head is the token embedding. */
    boolean isTied();

    /** How many numbers the model has, a tied table once. */
    long parameterCount();

    /** The names of the modules that a low-rank update can sit beside, in the model's order. */
    List<String> adaptableModules();
}
