package org.lora4j.io;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * A file is not what its format says: cut off, contradictory, or using something lora4j does not know. The message is
 * one line, {@code file: problem}, whatever the file contains.
 */
public class FormatException extends LoraException {

    private static final long serialVersionUID = 1L;

    private final transient Path file;

    /**
     * Says what is wrong with a file.
     *
     * @param file    the file as the user named it
     * @param problem what was found where, what was expected, and what to do if that is not plain
     */
    public FormatException(Path file, String problem) {
        this(file, problem, null);
    }

    /** The same, with what led to it. */
    public FormatException(Path file, String problem, @Nullable Throwable cause) {
        super(Names.oneLine(file + ": " + problem), cause);
        this.file = file;
    }

    /** The file, as the user named it. */
    public Path file() {
        return file;
    }
}
