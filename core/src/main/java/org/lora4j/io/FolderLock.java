package org.lora4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.lora4j.LoraException;
import org.lora4j.Names;

/**
 * Says that a folder is being written, so that a second program which wants to write there is refused at its start. The
 * lock is the operating system's, on a file {@value #FILE_NAME} in the folder: it goes with the process that has it,
 * however that ends, and a file that a killed one left behind blocks nobody. Whoever comes by another name of the folder,
 * a link say, meets the same file.
 *
 * <pre>{@code
 * try (FolderLock lock = FolderLock.take(folder)) {
 *     …
 * }
 * }</pre>
 *
 * <p>Where the file system knows no locks, there is none, and the work goes on without.
 */
public final class FolderLock implements AutoCloseable {

    /** Its name in the folder. */
    public static final String FILE_NAME = ".lora4j-lock";

    /** Beyond what is written, so that systems whose locks keep readers out let one read who has it. */
    private static final long LOCKED_BYTE = 1L << 40;

    private final Path file;
    private final FileChannel channel;
    private final List<Path> made;

    private FolderLock(Path file, FileChannel channel, List<Path> made) {
        this.file = file;
        this.channel = channel;
        this.made = made;
    }

    /**
     * Makes the folder where it is missing, and locks it.
     *
     * @throws LoraException if another program has it, or it cannot be made or written
     */
    public static FolderLock take(Path folder) {
        List<Path> made = missing(folder);
        try {
            Files.createDirectories(folder);
            Path file = folder.resolve(FILE_NAME);
            while (true) {
                FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                try {
                    if (!tryLock(channel)) {
                        throw new LoraException(Names.oneLine(folder + ": is being written by another lora4j" + owner(file)
                                + ". Choose another folder, or wait until that one has ended"));
                    }
                    if (isStillThere(file, channel)) {
                        return new FolderLock(file, channel, made);
                    }
                    channel.close(); // its last owner removed the file between our opening and our locking it
                } catch (IOException | RuntimeException e) {
                    channel.close();
                    throw e;
                }
            }
        } catch (IOException e) {
            throw FileErrors.writing(folder, e);
        }
    }

    private static boolean tryLock(FileChannel channel) {
        try {
            FileLock lock = channel.tryLock(LOCKED_BYTE, 1, false);
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // this process has it
        } catch (IOException e) {
            return true; // no locks on this file system
        }
    }

    /** Writes who we are, and looks whether that is what one finds under the name. */
    private static boolean isStillThere(Path file, FileChannel channel) throws IOException {
        byte[] mark = (ProcessHandle.current().pid() + " " + UUID.randomUUID() + "\n").getBytes(StandardCharsets.US_ASCII);
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(mark), 0);
        try {
            return Arrays.equals(Files.readAllBytes(file), mark);
        } catch (IOException e) {
            return false;
        }
    }

    /** {@code  (process 4711)}, where the file says it. */
    private static String owner(Path file) {
        try {
            String pid = Files.readString(file, StandardCharsets.US_ASCII).strip().split(" ", 2)[0];
            return pid.matches("\\d{1,19}") ? " (process " + pid + ")" : "";
        } catch (IOException e) {
            return "";
        }
    }

    /** The folder and those above it that there are not, from the lowest up. */
    private static List<Path> missing(Path folder) {
        List<Path> missing = new ArrayList<>();
        for (Path path = folder.toAbsolutePath().normalize(); path != null && !Files.exists(path); path = path.getParent()) {
            missing.add(path);
        }
        return missing;
    }

    /** Gives the folder back, and removes those that were made for it where nothing was put into them. */
    @Override
    public void close() {
        try (channel) {
            Files.deleteIfExists(file); // before the lock goes: afterwards it may be another's
        } catch (IOException e) {
            // stays, and blocks nobody
        }
        try {
            for (Path folder : made) {
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            // has something in it
        }
    }
}
