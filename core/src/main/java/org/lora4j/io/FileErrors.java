package org.lora4j.io;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import org.lora4j.LoraException;
import org.lora4j.Names;

/** Turns what the operating system says about a file into one line a user can act on. */
public final class FileErrors {

    private FileErrors() {
    }

    /** {@code cannot read FILE: there is no such file …} */
    public static LoraException reading(Path file, IOException cause) {
        return error("cannot read " + file + ": ", reason(file, cause), cause);
    }

    /** {@code cannot write FILE: permission denied …} */
    public static LoraException writing(Path file, IOException cause) {
        return error("cannot write " + file + ": ", reason(file, cause), cause);
    }

    private static LoraException error(String what, String reason, IOException cause) {
        return new LoraException(Names.oneLine(what + reason), cause);
    }

    /** What is the matter, without the file's name: {@code permission denied; …} */
    public static String reason(Path file, IOException cause) {
        return switch (cause) {
            case NoSuchFileException e -> missing(file);
            case AccessDeniedException e -> "permission denied; choose a place you may use, or change its permissions";
            case FileAlreadyExistsException e -> e.getFile() + " is a file where a folder is needed";
            case NotDirectoryException e -> e.getFile() + " is not a folder";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            case CharacterCodingException e -> "it is not UTF-8 text";
            case EOFException e -> "it is cut off";
            default -> cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        };
    }

    /** Says which part of the path is the missing one: a slip early in a long path is easily overlooked. */
    private static String missing(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null || Files.isDirectory(parent)) {
            return "there is no such file or folder";
        }
        Path existing = parent;
        while (existing.getParent() != null && !Files.exists(existing.getParent())) {
            existing = existing.getParent();
        }
        return "there is no folder " + existing;
    }
}
