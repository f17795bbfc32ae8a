package org.lora4j.io;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
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

    /** A process gives its lock back by closing any channel on the file, so it must not open one twice. */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path real;
    private final Path file;
    private final FileChannel channel;
    private final List<Path> made;

    private FolderLock(Path real, Path file, FileChannel channel, List<Path> made) {
        this.real = real;
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
            Path real = folder.toRealPath();
            if (!HELD.add(real)) {
                throw refused(folder, "");
            }
            try {
                return new FolderLock(real, real.resolve(FILE_NAME), locked(folder, real.resolve(FILE_NAME)), made);
            } catch (IOException | RuntimeException e) {
                HELD.remove(real);
                throw e;
            }
        } catch (IOException e) {
            throw FileErrors.writing(folder, e);
        }
    }

    private static FileChannel locked(Path folder, Path file) throws IOException {
        while (true) {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            try {
                Object opened = identity(file);
                if (!tryLock(channel)) {
                    throw refused(folder, owner(file));
                }
                if (opened != null && opened.equals(identity(file))) {
                    channel.truncate(0);
                    channel.write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
                    return channel;
                }
                channel.close(); // its last owner removed the file between our opening and our locking it
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }
    }

    /** What tells two files of one name apart, found without opening it; null if there is none. */
    private static @Nullable Object identity(Path file) throws IOException {
        try {
            Object key = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS).fileKey();
            return key == null ? file : key;
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    private static boolean tryLock(FileChannel channel) {
        try {
            return channel.tryLock(LOCKED_BYTE, 1, false) != null;
        } catch (IOException e) {
            return true; // no locks on this file system
        }
    }

    private static LoraException refused(Path folder, String owner) {
        return new LoraException(Names.oneLine(folder + ": is being written by another lora4j" + owner
                + ". Choose another folder, or wait until that one has ended"));
    }

    /** {@code  (process 4711)}, where the file says it. */
    private static String owner(Path file) {
        try {
            String pid = Files.readString(file, StandardCharsets.US_ASCII).strip();
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
        HELD.remove(real);
        try {
            for (Path folder : made) {
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            // has something in it
        }
    }
}
