package org.lora4j.io.torch;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;
import org.lora4j.io.FormatException;

/**
 * The entries of a zip archive as PyTorch writes it: every one stored, none compressed, so that a tensor's bytes lie in the
 * file as they are and no entry can be larger than the file.
 *
 * <pre>
 *   for each entry   PK\3\4 … name, extra    its bytes    perhaps a data descriptor
 *   for each entry   PK\1\2 … name, extra, comment          the central directory
 *   the end          PK\5\6 count, size and offset of the directory
 * </pre>
 *
 * <p>Checked before anything is read: the directory lies within the file and has as many entries as the end says; no name
 * comes twice or leads out of a folder; each entry is stored, not encrypted, has a local header of the same name, lies
 * before the directory, and overlaps no other. The checksum is checked when an entry is read; PyTorch can be told not to
 * compute it and then writes 0, which is believed.
 *
 * <p>Source: APPNOTE.TXT 6.3.3 by PKWARE, sections 4.3 and 4.4.
 */
final class ZipRecords {

    private static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static final int LOCAL = 0x04034b50;
    static final int CENTRAL = 0x02014b50;
    static final int END = 0x06054b50;
    static final int LOCAL_LENGTH = 30;
    static final int CENTRAL_LENGTH = 46;
    static final int END_LENGTH = 22;
    private static final int ENCRYPTED = 1;

    private final Path file;
    private final MemorySegment mapped;
    private final Map<String, Location> entries = new LinkedHashMap<>();

    /** Where an entry's bytes are, and what their checksum is said to be. */
    record Location(String name, long header, long offset, long size, int crc) {
    }

    /** @throws FormatException if the archive is damaged, or uses what PyTorch never does */
    ZipRecords(Path file, MemorySegment mapped) {
        this.file = file;
        this.mapped = mapped;
        readDirectory(findEnd());
        requireApart();
    }

    /** The names of all entries, in the directory's order. */
    Iterable<String> names() {
        return entries.keySet();
    }

    @Nullable Location find(String name) {
        return entries.get(name);
    }

    /** An entry's bytes, its checksum checked. */
    MemorySegment bytes(Location entry) {
        MemorySegment bytes = mapped.asSlice(entry.offset(), entry.size());
        if (entry.crc() != 0 && crc(bytes) != entry.crc()) {
            throw error("record " + Names.quoted(entry.name()) + " at offset " + entry.offset()
                    + " has another checksum than the archive says; the file is damaged. Copy or download it again");
        }
        return bytes;
    }

    static int crc(MemorySegment bytes) {
        CRC32 crc = new CRC32();
        final long piece = 1 << 20; // a ByteBuffer ends at 2 GB
        for (long done = 0; done < bytes.byteSize(); done += piece) {
            crc.update(bytes.asSlice(done, Math.min(piece, bytes.byteSize() - done)).asByteBuffer());
        }
        return (int) crc.getValue();
    }

    /** The end record is the last thing in the file but for its own comment. */
    private long findEnd() {
        long size = mapped.byteSize();
        for (long at = size - END_LENGTH; at >= Math.max(0, size - END_LENGTH - 0xFFFF); at--) {
            if (mapped.get(INT, at) == END && at + END_LENGTH + unsignedShort(at + 20) == size) {
                return at;
            }
        }
        throw error("has no end of a zip archive; it is cut off. Copy or download it again");
    }

    private void readDirectory(long end) {
        int count = unsignedShort(end + 10);
        long length = unsigned(end + 12);
        long start = unsigned(end + 16);
        if (count == 0xFFFF || length == 0xFFFFFFFFL || start == 0xFFFFFFFFL) {
            throw error("is a zip64 archive, for more than 4 GB or 65,534 records, which lora4j does not read; save the tensors "
                    + "as safetensors");
        }
        if (unsignedShort(end + 4) != 0 || unsignedShort(end + 6) != 0 || unsignedShort(end + 8) != count) {
            throw error("the end record at offset " + end + " speaks of several disks, expected one");
        }
        if (start + length > end) {
            throw error("the directory is said to be at offset " + start + " and " + length + " bytes long, but the file's end "
                    + "record is at " + end + "; the file is cut off or damaged");
        }
        long at = start;
        for (int i = 0; i < count; i++) {
            at = readEntry(at, start, start + length);
        }
        if (at != start + length) {
            throw error("the directory has " + count + " entries in " + (at - start) + " bytes, expected " + length
                    + " bytes of them");
        }
    }

    /** @return where the next entry of the directory begins */
    private long readEntry(long at, long directory, long directoryEnd) {
        if (at + CENTRAL_LENGTH > directoryEnd || mapped.get(INT, at) != CENTRAL) {
            throw error("offset " + at + " has no entry of the directory, although it should");
        }
        int flags = unsignedShort(at + 8);
        int method = unsignedShort(at + 10);
        int crc = mapped.get(INT, at + 16);
        long packed = unsigned(at + 20);
        long size = unsigned(at + 24);
        int nameLength = unsignedShort(at + 28);
        long next = at + CENTRAL_LENGTH + nameLength + unsignedShort(at + 30) + unsignedShort(at + 32);
        if (next > directoryEnd) {
            throw error("the directory's entry at offset " + at + " ends at " + next + ", behind the directory's end at "
                    + directoryEnd);
        }
        String name = name(at + CENTRAL_LENGTH, nameLength);
        requirePlain(name, at);
        if ((flags & ENCRYPTED) != 0) {
            throw error("record " + Names.quoted(name) + " is encrypted");
        }
        if (method != 0 || packed != size) {
            throw error("record " + Names.quoted(name) + " is compressed (method " + method + ", " + packed + " of " + size
                    + " bytes); PyTorch saves tensors as they are, so something else packed this file, or it is a TorchScript "
                    + "program. Load it with PyTorch and save its state_dict()");
        }
        Location entry = located(name, unsigned(at + 42), size, crc, directory);
        if (entries.put(name, entry) != null) {
            throw error("record " + Names.quoted(name) + " is there twice");
        }
        return next;
    }

    /** Finds the bytes behind the local header, which must be the same entry's. */
    private Location located(String name, long header, long size, int crc, long directory) {
        if (header + LOCAL_LENGTH > directory || mapped.get(INT, header) != LOCAL) {
            throw error("record " + Names.quoted(name) + " is said to begin at offset " + header
                    + ", where there is no header of one");
        }
        int nameLength = unsignedShort(header + 26);
        long offset = header + LOCAL_LENGTH + nameLength + unsignedShort(header + 28);
        if (offset + size > directory) {
            throw error("record " + Names.quoted(name) + " is said to have " + size + " bytes at offset " + offset
                    + ", but the directory begins at " + directory + "; the file is cut off or damaged");
        }
        if (!name.equals(name(header + LOCAL_LENGTH, nameLength))) {
            throw error("record " + Names.quoted(name) + " has another name in its header at offset " + header);
        }
        return new Location(name, header, offset, size, crc);
    }

    private void requireApart() {
        List<Location> ordered = new ArrayList<>(entries.values());
        ordered.sort(Comparator.comparingLong(Location::header));
        for (int i = 1; i < ordered.size(); i++) {
            Location before = ordered.get(i - 1);
            if (before.offset() + before.size() > ordered.get(i).header()) {
                throw error("records " + Names.quoted(before.name()) + " and " + Names.quoted(ordered.get(i).name())
                        + " overlap at offset " + ordered.get(i).header());
            }
        }
    }

    /** Nothing is unpacked to disk, so such a name could do no harm; but only a manipulated file has one. */
    private void requirePlain(String name, long at) {
        boolean tricky = name.isEmpty() || name.startsWith("/") || name.contains("\\") || name.indexOf('\0') >= 0
                || name.matches("[A-Za-z]:.*") || Arrays.stream(name.split("/", -1)).anyMatch(part ->
                        part.equals("..") || part.equals("."));
        if (tricky) {
            throw error("the directory's entry at offset " + at + " is called " + Names.quoted(name)
                    + ", expected a plain name without ways out of the archive");
        }
    }

    private String name(long at, int length) {
        byte[] bytes = mapped.asSlice(at, length).toArray(JAVA_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw error("the name at offset " + at + " is not UTF-8");
        }
    }

    private int unsignedShort(long at) {
        return Short.toUnsignedInt(mapped.get(SHORT, at));
    }

    private long unsigned(long at) {
        return Integer.toUnsignedLong(mapped.get(INT, at));
    }

    private FormatException error(String problem) {
        return new FormatException(file, problem);
    }
}
