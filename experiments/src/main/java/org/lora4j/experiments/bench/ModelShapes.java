package org.lora4j.experiments.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.gpt2.Gpt2Config;

/** The sizes of models people know, by their names. */
public final class ModelShapes {

    private static final Map<String, Gpt2Config> KNOWN = new LinkedHashMap<>();

    static {
        KNOWN.put("base-6m", Gpt2Config.of(4096, 256, 256, 6, 4));
        KNOWN.put("gpt2", Gpt2Config.small());
        KNOWN.put("gpt2-medium", Gpt2Config.medium());
        KNOWN.put("gpt2-large", Gpt2Config.large());
        KNOWN.put("gpt2-xl", Gpt2Config.xl());
    }

    private ModelShapes() {
    }

    /** The shape of that name, if there is one. */
    public static Optional<Gpt2Config> find(String name) {
        return Optional.ofNullable(KNOWN.get(name));
    }

    /** @throws LoraException if the name is none of those known */
    public static Gpt2Config named(String name) {
        Gpt2Config config = KNOWN.get(name);
        if (config == null) {
            throw new LoraException("--shape " + name + ": expected one of " + String.join(", ", KNOWN.keySet()));
        }
        return config;
    }
}
