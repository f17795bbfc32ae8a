package org.lora4j.family;

import java.util.List;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;

/** What a {@code config.json} says, as far as it does not depend on the family. */
public interface ModelConfig {

    ModelNames names();

    ModelSizes sizes();

    /** Whether the head is the token embedding. */
    boolean isTied();

    long parameterCount();

    /** The names of the modules that a low-rank update can sit beside, in the model's order. */
    List<String> adaptableModules();
}
