package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftConfig;
import org.lora4j.family.Families;
import org.lora4j.family.ModelCompanions;
import org.lora4j.io.AtomicFolder;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FolderLock;
import org.lora4j.io.TensorFiles;
import org.lora4j.task.TaskFormat;
import org.lora4j.train.Checkpoint;
import org.lora4j.train.PromptFormat;

/**
 * Where a command writes several files. It is this command's from {@link #open} until it is closed, and nothing in it is
 * lost without being asked for.
 *
 * <p>A training run begins anew, goes on, or is refused:
 *
 * <pre>
 *   in the folder                        without --overwrite      with it
 *   nothing of a run                     begins                   begins
 *   what was trained, no checkpoint      refused                  begins, and what was trained goes first
 *   an unfinished run of this command    goes on                  goes on
 *   an unfinished run of another         refused                  begins, and what that run left goes first
 * </pre>
 *
 * So a command that was interrupted goes on when it is given again, --overwrite or not, and a folder never holds the
 * adapter of one run beside the checkpoint of another. A model that no run has trained is never replaced.
 */
final class RunFolder implements AutoCloseable {

    /** What a run leaves; metrics.jsonl begins anew by itself. */
    private static final List<String> FILES = List.of(Checkpoint.FILE_NAME, PeftConfig.FILE_NAME,
            TensorFiles.ADAPTER + ".safetensors", TensorFiles.ADAPTER_BIN, RunReporter.FILE_NAME);

    private static final String CONFIG = "config.json";
    private static final String TENSORS = "model.safetensors";

    private final Path folder;
    private final FolderLock lock; // null where another worker writes

    private RunFolder(Path folder, FolderLock lock) {
        this.folder = folder;
        this.lock = lock;
    }

    /**
     * Makes the folder where it is missing, and keeps other commands out of it.
     *
     * @throws LoraException if another command is writing there, or it cannot be written
     */
    static RunFolder open(Path folder) {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new LoraException("--out " + folder + ": there is a file of that name, expected a folder");
        }
        try {
            FolderLock lock = FolderLock.take(folder);
            probe(folder, lock);
            return new RunFolder(folder, lock);
        } catch (LoraException e) {
            throw e.getCause() == null ? new LoraException("--out " + e.getMessage(), e)
                    : new LoraException("--out: " + e.getMessage() + ". Choose another folder or change its permissions", e);
        }
    }

    /** The folder of a run that another worker leads: this one reads a checkpoint there, and changes nothing. */
    static RunFolder ofAnother(Path folder) {
        return new RunFolder(folder, null);
    }

    /** A file can be made: the lock's may have been there before. */
    private static void probe(Path folder, FolderLock lock) {
        try {
            Files.delete(Files.createTempFile(folder, ".lora4j-", ".probe"));
        } catch (IOException e) {
            lock.close();
            throw FileErrors.writing(folder, e);
        }
    }

    /**
     * Refuses what a run without {@code --overwrite} would replace, before anything is loaded.
     *
     * @throws LoraException if the folder holds what a run has trained: an adapter or a model
     */
    RunFolder requireNothingTrained() {
        if (lock == null) {
            return this;
        }
        if (!Checkpoint.existsIn(folder) && holdsTrainedModel()) {
            throw new LoraException("--out " + folder + ": holds a trained model already. Choose another folder, or give "
                    + "--overwrite to replace it");
        }
        if (!Checkpoint.existsIn(folder) && Files.exists(folder.resolve(PeftConfig.FILE_NAME))) {
            throw new LoraException("--out " + folder + ": holds an adapter already. Choose another folder, or give "
                    + "--overwrite to replace it");
        }
        return this;
    }

    /**
     * Refuses, with {@code --overwrite} too, to put a model in the place of one that no run has trained.
     *
     * @throws LoraException if the folder holds such a model
     */
    RunFolder requireNoOtherModel() {
        if (lock != null && (Files.exists(folder.resolve(CONFIG)) || Files.exists(folder.resolve(TENSORS))) && !holdsTrainedModel()) {
            throw new LoraException("--out " + folder + ": holds a model that was not trained there, and nothing replaces it. "
                    + "Choose another folder");
        }
        return this;
    }

    /** A model that was trained says so in its tensor file. */
    private boolean holdsTrainedModel() {
        Map<String, String> metadata = Families.metadata(folder);
        return PromptFormat.isSaidIn(metadata) || TaskFormat.of(metadata).isPresent();
    }

    /** Takes away what another run has left, so that a new one can begin; a model that none has trained stays. */
    void clear() {
        if (lock == null) {
            return;
        }
        AtomicFolder.recover(folder); // or the next reader would put an old adapter back
        boolean trained = holdsTrainedModel();
        try {
            for (String file : FILES) {
                Files.deleteIfExists(folder.resolve(file));
            }
            if (trained) {
                ModelCompanions.remove(folder);
                Files.deleteIfExists(folder.resolve(CONFIG));
                Files.deleteIfExists(folder.resolve(TENSORS));
            }
        } catch (IOException e) {
            throw FileErrors.writing(folder, e);
        }
    }

    @Override
    public void close() {
        if (lock != null) {
            lock.close();
        }
    }
}
