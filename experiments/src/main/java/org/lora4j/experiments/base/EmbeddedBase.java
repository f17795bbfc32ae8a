package org.lora4j.experiments.base;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.lora4j.LoraException;

/**
 * {@code base-6m}, the small pretrained GPT-2 that comes with the project, so that the demo needs nothing from outside:
 * 6 layers, 256 wide, 4 heads, 256 positions, 4,096 tokens, 5,853,184 parameters in bfloat16. Its README beside it says
 * what it has read.
 */
public final class EmbeddedBase {

    /** What to give as a model's folder to mean this one. */
    public static final String NAME = "base-6m";

    private static final String RESOURCES = "/org/lora4j/base-6m/";
    private static final List<String> FILES = List.of("config.json", "model.safetensors", "vocab.json", "merges.txt");

    private static Path folder;

    private EmbeddedBase() {
    }

    /**
     * A folder with its files, in Hugging Face layout. They are copied out of the jar once a process, since tensors are
     * read from mapped files, and go when the process ends.
     */
    public static synchronized Path folder() {
        if (folder == null) {
            try {
                Path copy = Files.createTempDirectory("lora4j-" + NAME + "-");
                copy.toFile().deleteOnExit();
                for (String file : FILES) {
                    copyOut(file, copy.resolve(file));
                }
                folder = copy;
            } catch (IOException e) {
                throw new LoraException("the embedded model " + NAME + " cannot be copied to a temporary folder: "
                        + e.getMessage() + ". Set -Djava.io.tmpdir to a folder with 12 MB free", e);
            }
        }
        return folder;
    }

    private static void copyOut(String file, Path target) throws IOException {
        try (InputStream in = EmbeddedBase.class.getResourceAsStream(RESOURCES + file)) {
            if (in == null) {
                throw new IOException(RESOURCES + file + " is not on the class path");
            }
            Files.copy(in, target);
            target.toFile().deleteOnExit();
        }
    }

    /** The folder that a user means: {@link #folder()} for {@value #NAME} where no folder is called so. */
    public static Path resolve(String nameOrFolder) {
        Path named = Path.of(nameOrFolder);
        return nameOrFolder.equals(NAME) && !Files.exists(named) ? folder() : named;
    }
}
