package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.io.FileErrors;
import org.lora4j.train.Checkpoint;

/** Where a training run lives. Nothing in it is lost without being asked for. */
final class RunFolder {

    private RunFolder() {
    }

    /**
     * Makes a folder ready for a run: new, with an unfinished run to go on with, or emptied of an earlier one.
     *
     * @throws LoraException if it holds a finished adapter and {@code overwrite} was not asked for, or cannot be written
     */
    static void prepare(Path folder, boolean overwrite) {
        try {
            if (Files.exists(folder) && !Files.isDirectory(folder)) {
                throw new LoraException("--out " + folder + ": there is a file of that name, expected a folder");
            }
            Files.createDirectories(folder);
            Path probe = Files.createTempFile(folder, ".lora4j-", ".probe");
            Files.delete(probe);
            if (overwrite) {
                Files.deleteIfExists(folder.resolve(Checkpoint.FILE_NAME));
            } else if (!Checkpoint.existsIn(folder) && Files.exists(folder.resolve(PeftConfig.FILE_NAME))) {
                throw new LoraException("--out " + folder + ": holds an adapter already. Choose another folder, or give "
                        + "--overwrite to replace it");
            }
        } catch (IOException e) {
            throw new LoraException("--out: " + FileErrors.writing(folder, e).getMessage()
                    + ". Choose another folder or change its permissions", e);
        }
    }
}
