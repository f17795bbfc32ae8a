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
import org.jspecify.annotations.Nullable;
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

    /**
     * What to say of a path that leads nowhere: {@code there is no such folder}, or that it is a link to something that
     * is gone, which {@link Files#exists} does not tell apart.
     *
     * @param kind what was looked for: {@code file}, {@code folder}
     */
    public static String absent(Path path, String kind) {
        String link = brokenLink(path);
        return link == null ? "there is no such " + kind : link;
    }

    /** {@code is a link to TARGET, which is not there}; null where it is no link, or one that leads somewhere. */
    public static @Nullable String brokenLink(Path path) {
        if (!Files.isSymbolicLink(path) || Files.exists(path)) {
            return null;
        }
        try {
            return "is a link to " + Files.readSymbolicLink(path) + ", which is not there";
        } catch (IOException e) {
            return "is a link that leads nowhere";
        }
    }

    private static LoraException error(String what, String reason, IOException cause) {
        return new LoraException(Names.oneLine(what + reason), cause);
    }

    /** What is the matter, without the file's name: {@code permission denied; …} */
    public static String reason(Path file, IOException cause) {
        return switch (cause) {
            case NoSuchFileException e -> missing(file);
            case AccessDeniedException e -> "permission denied; choose a place you may use, or change its permissions";
            case FileAlreadyExistsException e -> notAFolder(e.getFile());
            case NotDirectoryException e -> e.getFile() + " is not a folder";
            case FileSystemException e when e.getReason() != null -> e.getReason();
            case CharacterCodingException e -> "it is not UTF-8 text";
            case EOFException e -> "it is cut off";
            default -> cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        };
    }

    private static String notAFolder(String path) {
        String link = brokenLink(Path.of(path));
        return path + " " + (link == null ? "is a file where a folder is needed" : link);
    }

    /** Says which part of the path is the missing one: a slip early in a long path is easily overlooked. */
    private static String missing(Path file) {
        Path parent = file.toAbsolutePath().getParent();
        if (parent == null || Files.isDirectory(parent)) {
            String link = brokenLink(file);
            return link == null ? "there is no such file or folder" : "it " + link;
        }
        Path existing = parent;
        while (existing.getParent() != null && !Files.exists(existing.getParent())) {
            existing = existing.getParent();
        }
        String link = brokenLink(existing);
        return link == null ? "there is no folder " + existing : existing + " " + link;
    }
}
