package org.lora4j.cli;

import org.lora4j.backend.WeightType;
import picocli.CommandLine.Option;

/** {@code --base-dtype}. */
final class WeightChoice {

    @Option(names = "--base-dtype", defaultValue = "float32", paramLabel = "TYPE",
            description = "How the frozen base's weights are held in memory: float32, bf16 (half of it, exact for a base "
                    + "stored so), int8 (a quarter, with a factor for each row) or nf4 (an eighth, as QLoRA; tables and head in "
                    + "bf16); all arithmetic stays float32. Weights that a folder has in four bits stay so "
                    + "(default: ${DEFAULT-VALUE}).")
    private WeightType type;

    WeightType type() {
        return type;
    }
}
