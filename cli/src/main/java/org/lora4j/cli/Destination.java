package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.lora4j.LoraException;
import org.lora4j.io.FileErrors;

/** Where a command writes: nothing that is there is replaced without being asked for. */
final class Destination {

    private Destination() {
    }

    /** @throws LoraException if the file exists, or cannot be one */
    static void requireFile(Path file, boolean overwrite) {
        if (Files.isDirectory(file)) {
            throw new LoraException("--out " + file + ": is a folder, expected the name of a file");
        }
        if (Files.isRegularFile(file) && !overwrite) {
            throw new LoraException("--out " + file + ": is there already. Choose another name, or give --overwrite to replace it");
        }
    }

    /** @throws LoraException if the folder has anything in it, or is a file */
    static void requireFolder(Path folder, boolean overwrite) {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new LoraException("--out " + folder + ": there is a file of that name, expected a folder");
        }
        if (overwrite || !Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.findAny().isPresent()) {
                throw new LoraException("--out " + folder + ": is not empty. Choose another folder, or give --overwrite to "
                        + "replace what it holds");
            }
        } catch (IOException e) {
            throw FileErrors.reading(folder, e);
        }
    }
}
