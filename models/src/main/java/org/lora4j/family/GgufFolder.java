package org.lora4j.family;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FileErrors;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.tokenizer.GgufTokenizer;

/**
 * A GGUF file alone as the folder of a model: its {@code config.json} and its tokenizer are made of what the file says of
 * itself, in a temporary folder beside a link to it, which goes when the process ends. What the file does not say enough of is
 * refused by name.
 */
public final class GgufFolder {

    private static final String ENDING = ".gguf";
    /** Made once for each file of this process. */
    private static final Map<Path, Path> MADE = new ConcurrentHashMap<>();

    private GgufFolder() {
    }

    /** The folder to read: one that is made where this is a GGUF file, or a folder with one and no configuration. */
    public static Path of(Path fileOrFolder) {
        Path file = alone(fileOrFolder);
        return file == null ? fileOrFolder : MADE.computeIfAbsent(file.toAbsolutePath().normalize(), GgufFolder::make);
    }

    private static @Nullable Path alone(Path path) {
        if (Files.isRegularFile(path)) {
            return path.toString().endsWith(ENDING) ? path : null;
        }
        if (!Files.isDirectory(path) || Files.exists(path.resolve(Families.CONFIG))) {
            return null;
        }
        try (Stream<Path> files = Files.list(path)) {
            List<Path> all = files.filter(each -> each.toString().endsWith(ENDING)).toList();
            return all.size() == 1 ? all.getFirst() : null;
        } catch (IOException e) {
            throw FileErrors.reading(path, e);
        }
    }

    private static Path make(Path file) {
        try (GgufFile gguf = GgufFile.open(file)) {
            GgufFields fields = new GgufFields(gguf);
            ModelFamily family = Families.all().stream()
                    .filter(each -> each.names().ggufArchitecture().filter(fields.architecture()::equals).isPresent()).findFirst()
                    .orElseThrow(() -> fields.error(GgufFields.ARCHITECTURE + " is " + (fields.architecture().isEmpty() ? "missing"
                            : Names.quoted(fields.architecture())) + ", which no family of models here has"));
            Map<String, Object> config = family.configOf(fields).orElseThrow(() -> fields.error("says too little for a "
                    + family.names().title()));
            Path folder = Files.createTempDirectory("lora4j-gguf-");
            folder.toFile().deleteOnExit();
            write(folder.resolve(Families.CONFIG), new ObjectMapper().writeValueAsBytes(config));
            for (Map.Entry<String, byte[]> made : GgufTokenizer.files(gguf).entrySet()) {
                write(folder.resolve(made.getKey()), made.getValue());
            }
            Path link = Files.createSymbolicLink(folder.resolve("model" + ENDING), file);
            link.toFile().deleteOnExit();
            return folder;
        } catch (IOException | UnsupportedOperationException e) {
            throw new LoraException(Names.oneLine(file + ": a temporary folder for its configuration cannot be made: " + e.getMessage()
                    + ". Set -Djava.io.tmpdir to a folder that takes files and links"), e);
        }
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        Files.write(file, bytes);
        file.toFile().deleteOnExit();
    }
}
