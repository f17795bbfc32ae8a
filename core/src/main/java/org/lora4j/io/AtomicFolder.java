package org.lora4j.io;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Writes several files of a folder as one: whoever opens the folder through lora4j finds all of the old ones or all of
 * the new ones, whatever fails and whenever the process or the machine stops. An adapter is such a set (its
 * configuration and its tensors), a checkpoint another.
 *
 * <pre>
 *   1. write every new file into  FOLDER/.lora4j-staged  and fsync it
 *   2. rename that to  FOLDER/.lora4j-committed  and fsync FOLDER: from here on the new set counts
 *   3. rename each file from there to its place in FOLDER, replacing the old one
 *   4. fsync FOLDER and remove  .lora4j-committed
 * </pre>
 *
 * A failure in step 1 removes the staged files and leaves the old set as it was. A kill in step 1 leaves staged files
 * that count for nothing; the next write removes them. A kill in step 3 leaves some new files in place and the others in
 * {@code .lora4j-committed}; {@link #recover} moves those too, and every reader of such a folder calls it first. Moving
 * a file that is already moved is nothing, so recovery may itself be killed and repeated.
 *
 * <p>Other files of the folder are left alone: a user's notes, a log that is being written, an earlier file that the new
 * set does not have. That, and working in a folder that is somebody's current directory, is why the files are replaced
 * inside the folder instead of the folder being swapped for another. The price is that a program that does not know the
 * protocol could, after a kill in the few microseconds of step 3, see a mixture; files of one training run fit together
 * even then, since configuration and shapes do not change between saves.
 *
 * <p>One folder has one writer at a time; when two write it at once, one of them fails with an error.
 */
public final class AtomicFolder {

    static final String STAGED = ".lora4j-staged";
    static final String COMMITTED = ".lora4j-committed";

    private AtomicFolder() {
    }

    /** Writes the files of the set, under their final names, into the folder it is given. */
    @FunctionalInterface
    public interface Body {
        /** Writes the new files into a folder of their own; an exception leaves the old ones. */
        void writeTo(Path staging) throws IOException;
    }

    /**
     * Writes a set of files so that all of them change or none.
     *
     * @throws LoraException if the place cannot be written; the set of files is then what it was before
     */
    public static void write(Path folder, Body body) {
        recover(folder);
        try {
            Path staged = folder.resolve(STAGED);
            Files.createDirectories(folder);
            removeAll(staged);
            Files.createDirectory(staged);
            try {
                body.writeTo(staged);
                for (Path file : filesIn(staged)) {
                    if (Files.isDirectory(folder.resolve(file.getFileName()))) {
                        throw new IOException(file.getFileName() + " is a folder there, expected a file");
                    }
                    sync(file);
                }
                AtomicFile.syncFolder(staged);
                Files.move(staged, folder.resolve(COMMITTED), StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException | RuntimeException | Error e) {
                removeAll(staged);
                throw e;
            }
            AtomicFile.syncFolder(folder);
            moveIntoPlace(folder);
        } catch (IOException e) {
            throw FileErrors.writing(folder, e);
        }
    }

    /**
     * Finishes a write of this folder that was interrupted after its new files were complete; otherwise does nothing.
     *
     * @throws LoraException if that is needed and the folder may not be written
     */
    public static void recover(Path folder) {
        // not through a link: it could lead to files that are not ours to move
        if (Files.isDirectory(folder.resolve(COMMITTED), LinkOption.NOFOLLOW_LINKS)) {
            try {
                moveIntoPlace(folder);
            } catch (IOException e) {
                throw new LoraException(Names.oneLine("a save to " + folder + " was interrupted and cannot be finished: ")
                        + FileErrors.writing(folder, e).getMessage(), e);
            }
        }
    }

    private static void moveIntoPlace(Path folder) throws IOException {
        Path committed = folder.resolve(COMMITTED);
        for (Path file : filesIn(committed)) {
            try {
                Files.move(file, folder.resolve(file.getFileName()), StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            } catch (NoSuchFileException e) {
                // a reader's recover() was faster, and moved the same file to the same place
            }
        }
        AtomicFile.syncFolder(folder);
        Files.deleteIfExists(committed);
    }

    private static List<Path> filesIn(Path folder) throws IOException {
        List<Path> files = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
            for (Path file : stream) {
                if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                    throw new IOException(file + " is not a plain file: a set of files has no folders or links in it");
                }
                files.add(file);
            }
        } catch (NoSuchFileException e) {
            // nothing left to move
        }
        files.sort(null);
        return files;
    }

    private static void removeAll(Path staged) throws IOException {
        if (Files.isDirectory(staged, LinkOption.NOFOLLOW_LINKS)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(staged)) {
                for (Path file : files) {
                    Files.deleteIfExists(file);
                }
            }
        }
        Files.deleteIfExists(staged);
    }

    private static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }
}
