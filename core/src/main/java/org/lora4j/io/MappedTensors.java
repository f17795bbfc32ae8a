package org.lora4j.io;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the readers of single files have in common: the file is mapped into memory while it is open (one within an archive,
 * such as a jar opened as a file system, is read into it), and its index of
 * tensors was read when it was opened. A subclass fills {@link #tensors} in its constructor, or refuses the file.
 */
public abstract class MappedTensors implements TensorSource {

    private static final long CHUNK = 1 << 24;

    /** The file that is read, for messages. */
    protected final Path file;
    /** Its bytes, read-only. */
    protected final MemorySegment mapped;
    /** What lies where, in the order of the file. */
    protected final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Arena arena;

    /** A file that is being opened, to be handed on to {@link MappedTensors}' constructor. */
    public record Opening(Path file, Arena arena, MemorySegment mapped) {
    }

    /** Reads the index of a file that has just been mapped. */
    @FunctionalInterface
    protected interface Reader<T> {
        /** Reads the header and says what is where. */
        T read(Opening opening);
    }

    /** Takes over an opened file, which is closed with this. */
    protected MappedTensors(Opening opening) {
        file = opening.file;
        mapped = opening.mapped;
        arena = opening.arena;
    }

    /**
     * Maps a file and reads its index; a file that is refused is not left open.
     *
     * @param kind what it should be, for the message that it is a folder, a pipe or a device
     * @throws FormatException             if it is none of these, or the reader says so
     * @throws org.lora4j.LoraException if it is missing or may not be read
     */
    protected static <T> T open(Path file, String kind, Reader<T> reader) {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            // opening a pipe would wait forever, mapping a device is meaningless
            throw new FormatException(file, "is not a regular file, expected a " + kind + " file");
        }
        Arena arena = Arena.ofShared();
        if (file.getFileSystem() != FileSystems.getDefault()) {
            return readWhole(file, arena, reader);
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            DownloadErrors.refuse(file, mapped.asSlice(0, Math.min(mapped.byteSize(), DownloadErrors.BEGINNING))
                    .toArray(ValueLayout.JAVA_BYTE));
            return reader.read(new Opening(file, arena, mapped));
        } catch (IOException e) {
            arena.close();
            throw FileErrors.reading(file, e);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** A file within an archive, which cannot be mapped: it lies in memory as long as it is open. */
    private static <T> T readWhole(Path file, Arena arena, Reader<T> reader) {
        try (ReadableByteChannel channel = Files.newByteChannel(file)) {
            MemorySegment whole = arena.allocate(Files.size(file));
            for (long at = 0; at < whole.byteSize(); ) {
                long most = Math.min(whole.byteSize() - at, CHUNK);
                int read = channel.read(whole.asSlice(at, most).asByteBuffer());
                if (read < 0) {
                    throw new EOFException("ends after " + at + " of " + whole.byteSize() + " bytes");
                }
                at += read;
            }
            return reader.read(new Opening(file, arena, whole.asReadOnly()));
        } catch (IOException e) {
            arena.close();
            throw FileErrors.reading(file, e);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public final Path path() {
        return file;
    }

    @Override
    public final List<String> names() {
        return List.copyOf(tensors.keySet());
    }

    @Override
    public final boolean has(String name) {
        return tensors.containsKey(name);
    }

    @Override
    public final TensorInfo info(String name) {
        TensorInfo info = tensors.get(name);
        if (info == null) {
            throw TensorSource.missing(file, name, tensors.keySet());
        }
        return info;
    }

    @Override
    public MemorySegment bytes(String name) {
        TensorInfo info = info(name);
        return mapped.asSlice(info.offset(), info.byteSize());
    }

    @Override
    public final void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
