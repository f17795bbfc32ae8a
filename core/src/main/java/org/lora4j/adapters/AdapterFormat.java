package org.lora4j.adapters;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The formats in which adapters travel. */
public enum AdapterFormat {
    /** A folder with {@code adapter_config.json} and {@code adapter_model.safetensors}. */
    PEFT("peft"),
    /** The same with {@code adapter_model.bin}, as older versions of PEFT wrote it. */
    PEFT_BIN("peft-bin"),
    /** A file of the authors' package, {@code .pt} or {@code .bin}. */
    LORALIB("loralib"),
    /** A file for llama.cpp. */
    GGUF("gguf");

    private final String text;

    AdapterFormat(String text) {
        this.text = text;
    }

    /** The word for it on the command line. */
    public String text() {
        return text;
    }

    /** Whether an adapter of this format is a folder, rather than one file. */
    public boolean isFolder() {
        return this == PEFT || this == PEFT_BIN;
    }

    /** The format of that word; {@code peft-safetensors} is {@code peft}, said in full. */
    public static Optional<AdapterFormat> named(String text) {
        if (text.equals("peft-safetensors")) {
            return Optional.of(PEFT);
        }
        return Arrays.stream(values()).filter(format -> format.text.equals(text)).findFirst();
    }

    /** All words, for messages. */
    public static String all() {
        return Arrays.stream(values()).map(AdapterFormat::text).collect(Collectors.joining(", "));
    }
}
