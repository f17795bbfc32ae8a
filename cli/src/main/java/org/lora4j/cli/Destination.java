package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.io.FileErrors;
import org.lora4j.io.FolderLock;

/** Where a command writes: nothing that is there is replaced without being asked for, and never what the command reads. */
final class Destination {

    private final Map<String, Path> inputs = new LinkedHashMap<>();

    private Destination() {
    }

    // ------------------------------------------------------------------------------------------------ not the input

    /** To be told what a command reads, one by one with {@link #and}, and then asked about where it writes. */
    static Destination reading(String option, Path input) {
        return new Destination().and(option, input);
    }

    /** @param input a file or a folder; null for one that was not given */
    Destination and(String option, Path input) {
        if (input != null) {
            inputs.put(option, input);
        }
        return this;
    }

    /**
     * For a command that writes one file.
     *
     * @param out as {@code --out} names it, or a file that is written beside that
     * @throws LoraException if it is one of the inputs, or a file in one of them, by whatever name: through a link, a
     *                       second hard link, a way round, or in other letters where the file system does not tell
     */
    void requireFileApart(Path out) {
        inputs.forEach((option, input) -> {
            requireNot(out, option, input, "file");
            if (Files.isRegularFile(out) && Files.isDirectory(input)) {
                try (DirectoryStream<Path> files = Files.newDirectoryStream(input)) {
                    for (Path file : files) {
                        if (same(out, file)) {
                            throw refused(out, "is a file of " + option + " " + input, "file");
                        }
                    }
                } catch (IOException e) {
                    throw FileErrors.reading(input, e);
                }
            }
        });
    }

    /**
     * For a command that writes several files into a folder.
     *
     * @throws LoraException if it is one of the inputs, or the folder that one of them lies in
     */
    void requireFolderApart(Path out) {
        inputs.forEach((option, input) -> {
            requireNot(out, option, input, "folder");
            if (Files.isDirectory(out) && Files.isRegularFile(input)
                    && (same(out, input.toAbsolutePath().getParent()) || same(out, real(input).getParent()))) {
                throw refused(out, "holds " + input + ", which " + option + " names", "folder");
            }
        });
    }

    private static void requireNot(Path out, String option, Path input, String kind) {
        if (same(out, input)) {
            throw refused(out, "is what " + option + " " + input + " names", kind);
        }
    }

    private static LoraException refused(Path out, String what, String kind) {
        return new LoraException(Names.oneLine("--out " + out + ": " + what + ", and would be overwritten. Choose another " + kind));
    }

    private static boolean same(Path one, Path other) {
        try {
            boolean things = (Files.isRegularFile(one) || Files.isDirectory(one)) && Files.exists(other);
            return things && Files.isSameFile(one, other); // of a device or a pipe, reading takes nothing that writing spoils
        } catch (IOException e) {
            throw FileErrors.reading(one, e);
        }
    }

    private static Path real(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException e) {
            throw FileErrors.reading(file, e);
        }
    }

    // ------------------------------------------------------------------------------------------------ nothing lost

    /** @throws LoraException if the file exists, or cannot be one */
    static void requireFile(Path file, boolean overwrite) {
        requireNoBrokenLink(file);
        if (Files.isDirectory(file)) {
            throw new LoraException("--out " + file + ": is a folder, expected the name of a file");
        }
        if (Files.isRegularFile(file) && !overwrite) {
            throw new LoraException("--out " + file + ": is there already. Choose another name, or give --overwrite to replace it");
        }
    }

    /** @throws LoraException if the folder has anything in it, or is a file */
    static void requireFolder(Path folder, boolean overwrite) {
        requireNoBrokenLink(folder);
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new LoraException("--out " + folder + ": there is a file of that name, expected a folder");
        }
        if (overwrite || !Files.exists(folder)) {
            return;
        }
        try (Stream<Path> files = Files.list(folder)) {
            if (files.anyMatch(file -> !file.endsWith(FolderLock.FILE_NAME))) {
                throw new LoraException("--out " + folder + ": is not empty. Choose another folder, or give --overwrite to "
                        + "replace what it holds");
            }
        } catch (IOException e) {
            throw FileErrors.reading(folder, e);
        }
    }

    private static void requireNoBrokenLink(Path out) {
        String link = FileErrors.brokenLink(out);
        if (link != null) {
            throw new LoraException(Names.oneLine("--out " + out + ": " + link + ". Remove the link, or choose another place"));
        }
    }
}
