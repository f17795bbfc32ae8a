package org.lora4j.tuning.lora;

import java.util.Locale;

/** Which biases train beside A and B: loralib's and PEFT's {@code bias}. */
public enum BiasMode {
    /** No bias trains; all that the paper's experiments do. */
    NONE,
    /** Every bias of the model trains, those of LayerNorm included. */
    ALL,
    /** The biases of the maps that have a low-rank update train. */
    LORA_ONLY;

    /** As adapter files and the command line write it: {@code none}, {@code all}, {@code lora_only}. */
    public String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
