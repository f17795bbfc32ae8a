package org.lora4j.tokenizer;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.lora4j.io.JsonFields;

/**
 * The tokens at which a model's texts end, as its own files say: {@code eos_token_id}, a number or a list, of
 * {@code generation_config.json}, or of {@code config.json} where there is no {@code generation_config.json}.
 *
 * <p>As in Transformers, a {@code generation_config.json} that names none is not made good by {@code config.json}.
 */
final class StopTokens {

    private static final List<String> FILES = List.of("generation_config.json", "config.json");
    private static final String FIELD = "eos_token_id";

    private StopTokens() {
    }

    /**
     * In the file's order; empty where no file says.
     *
     * @throws org.lora4j.LoraException if the file cannot be read, or the field is neither a number nor a list of them
     */
    static Set<Integer> of(Path folder) {
        for (String name : FILES) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                Set<Integer> ids = new LinkedHashSet<>(JsonFields.read(file).wholes(FIELD).orElse(List.of()));
                ids.removeIf(id -> id < 0); // some write -1 for "at none"
                return ids;
            }
        }
        return Set.of();
    }
}
