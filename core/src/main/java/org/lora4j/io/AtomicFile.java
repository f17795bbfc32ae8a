package org.lora4j.io;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Writes a file so that its name always leads to a complete one: the old or the new, never a part, whatever fails and
 * whenever the process or the machine stops.
 *
 * <pre>
 *   1. write  .NAME.lora4j-RANDOM  in the same folder, which is made if it is missing
 *   2. fsync it
 *   3. rename it to NAME, which replaces the old file in one step
 *   4. fsync the folder, so that the rename itself survives a power failure
 * </pre>
 *
 * <p>If step 1 or 2 fails (a full disk, an exception in the caller's code), the temporary file is removed and the old
 * one has not been touched. A process killed there leaves its temporary file behind; the next write of the same file
 * removes it. One file has one writer at a time: when two write it at once, the one that began first fails with an error
 * and the file is the other's, complete.
 *
 * <p>Where NAME is a symbolic link, the file it leads to is replaced. Where it is a device or a pipe, such as
 * {@code /dev/stdout}, it is written to and stays what it is.
 */
public final class AtomicFile {

    /** Marks a temporary file as ours, so that removing a leftover can never hit anything else. */
    private static final String MARK = ".lora4j-";

    private AtomicFile() {
    }

    /** Writes the content; the stream is buffered, and need not be closed. */
    @FunctionalInterface
    public interface Body {
        /** Writes the new content; an exception leaves the old file. */
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * Writes a file so that whoever reads it finds the old content or the new, never a part.
     *
     * @throws LoraException if the place cannot be written; the file is then what it was before
     */
    public static void write(Path file, Body body) {
        String brokenLink = FileErrors.brokenLink(file);
        if (brokenLink != null) {
            throw new LoraException(Names.oneLine("cannot write " + file + ": it " + brokenLink));
        }
        try {
            Path target = Files.isSymbolicLink(file) ? file.toRealPath() : file.toAbsolutePath();
            if (Files.isDirectory(target)) {
                throw new LoraException(Names.oneLine("cannot write " + file + ": it is a folder, expected a file"));
            }
            if (Files.exists(target) && !Files.isRegularFile(target)) {
                writeThrough(target, body);
                return;
            }
            Files.createDirectories(target.getParent());
            removeLeftovers(target);
            writeBeside(target, body);
        } catch (IOException e) {
            throw FileErrors.writing(file, e);
        }
    }

    private static void writeThrough(Path device, Body body) throws IOException {
        try (OutputStream out =
                new BufferedOutputStream(Files.newOutputStream(device, StandardOpenOption.WRITE), 1 << 16)) {
            body.writeTo(out);
        }
    }

    private static void writeBeside(Path target, Body body) throws IOException {
        String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
        Path temporary = target.resolveSibling(prefix(target) + random);
        try {
            try (FileChannel channel =
                    FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
                body.writeTo(out);
                out.flush();
                channel.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException | RuntimeException | Error e) {
            Files.deleteIfExists(temporary);
            throw e;
        }
        syncFolder(target.getParent());
    }

    private static void removeLeftovers(Path target) throws IOException {
        String prefix = prefix(target);
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(target.getParent(),
                sibling -> sibling.getFileName().toString().startsWith(prefix))) {
            for (Path leftover : leftovers) {
                Files.deleteIfExists(leftover);
            }
        }
    }

    private static String prefix(Path target) {
        return "." + target.getFileName() + MARK;
    }

    /** Makes renames in a folder durable. Windows cannot open a folder and needs no such thing. */
    static void syncFolder(@Nullable Path folder) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(folder, StandardOpenOption.READ);
        } catch (IOException e) {
            return;
        }
        try (channel) {
            channel.force(true);
        }
    }
}
