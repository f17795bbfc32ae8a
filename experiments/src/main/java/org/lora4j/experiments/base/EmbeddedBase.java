package org.lora4j.experiments.base;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.family.GgufFolder;
import org.lora4j.io.FileErrors;

/**
 * {@code base-6m}, the small pretrained GPT-2 that comes with the project, so that the demo needs nothing from outside:
 * 6 layers, 256 wide, 4 heads, 256 positions, 4,096 tokens, 5,853,184 parameters in bfloat16. Its README beside it says
 * what it has read.
 */
public final class EmbeddedBase {

    /** What to give as a model's folder to mean this one. */
    public static final String NAME = "base-6m";

    private static final String RESOURCES = "/org/lora4j/experiments/base-6m/";
    private static final List<String> FILES = List.of("config.json", "model.safetensors", "vocab.json", "merges.txt");

    private static Path folder;
    /** The jar, open as long as the process runs; null where there is none. */
    private static FileSystem jar;

    private EmbeddedBase() {
    }

    /**
     * A folder with its files, in Hugging Face layout: in the jar itself, so that nothing is left behind however the process
     * ends. The path is then one of the jar's file system, which {@link java.nio.file.Files} reads and which cannot become a
     * {@link java.io.File}. Where a class loader keeps its resources elsewhere, they are copied to a temporary folder, which
     * goes when the process ends.
     */
    public static synchronized Path folder() {
        if (folder == null) {
            folder = inPlace(EmbeddedBase.class.getResource(RESOURCES + FILES.getFirst()));
        }
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

    /** The folder of a resource that lies in a folder or a jar; null where it does not. */
    private static Path inPlace(URL resource) {
        try {
            if (resource != null && resource.getProtocol().equals("file")) {
                return Path.of(resource.toURI()).getParent();
            }
            if (resource != null && resource.openConnection() instanceof JarURLConnection connection
                    && connection.getJarFileURL().getProtocol().equals("file")) {
                jar = FileSystems.newFileSystem(Path.of(connection.getJarFileURL().toURI()));
                return jar.getPath(RESOURCES);
            }
        } catch (IOException | URISyntaxException | ProviderNotFoundException | IllegalArgumentException e) {
            return null; // a jar within a jar, say
        }
        return null;
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

    /**
     * The folder that a user means: {@link #folder()} for {@value #NAME} where no folder is called so, and for a GGUF file
     * alone the one that {@link GgufFolder} makes of it.
     *
     * @throws LoraException if it is neither
     */
    public static Path resolve(String nameOrFolder) {
        Path named = Path.of(nameOrFolder);
        if (nameOrFolder.equals(NAME) && !Files.exists(named)) {
            return folder();
        }
        Path folder = GgufFolder.of(named);
        if (!Files.isDirectory(folder)) {
            throw new LoraException(Names.oneLine("`model` " + named + ": "
                    + (Files.exists(named) ? "is a file" : FileErrors.absent(named, "folder")) + ". Name a folder in Hugging "
                    + "Face layout, with a config.json, tensors and a tokenizer, a .gguf file, or " + NAME + " for the embedded one" + (isHubName(nameOrFolder)
                    ? ". Nothing is downloaded here: hf download " + named + ", of Hugging Face's own tool, makes such a folder" : "")));
        }
        return folder;
    }

    /** Whether it looks like a name at Hugging Face, owner/model, and like no path here. */
    private static boolean isHubName(String name) {
        return name.matches("[A-Za-z0-9][\\w.-]*/[A-Za-z0-9][\\w.-]*") && !Files.exists(Path.of(name).getName(0));
    }
}
