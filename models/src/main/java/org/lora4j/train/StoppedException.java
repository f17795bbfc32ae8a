package org.lora4j.train;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;

/** A run has stopped because it was asked to, see {@link TrainingListener#stopRequested}; it can be gone on with. */
public final class StoppedException extends LoraException {

    /** @param folder where its checkpoint is; null if it writes nothing */
    StoppedException(long step, long steps, @Nullable Path folder) {
        super("stopped after step " + step + " of " + steps + (folder == null ? "; the run has no folder, so nothing is kept"
                : ". To go on from there (" + folder.resolve(Checkpoint.FILE_NAME) + "), give the same command again"));
    }
}
