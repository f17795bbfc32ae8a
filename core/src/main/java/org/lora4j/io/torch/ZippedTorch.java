package org.lora4j.io.torch;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.torch.Pickled.Storage;
import org.lora4j.io.torch.Pickled.Tuple;
import org.lora4j.io.torch.ZipRecords.Location;

/** The layout of PyTorch's files since 1.6, a zip archive; {@link TorchFile} says what is in it. */
final class ZippedTorch implements TorchFile.StorageBytes {

    private static final String PICKLE = "data.pkl";

    private final Path file;
    private final ZipRecords records;
    private final String folder;
    private final Map<String, MemorySegment> read = new HashMap<>();

    ZippedTorch(Path file, MemorySegment mapped) {
        this.file = file;
        this.records = new ZipRecords(file, mapped);
        this.folder = findFolder();
        requireLittleEndian();
    }

    /** Archives begin with an entry, or, empty, with their end. */
    static boolean isOne(MemorySegment bytes) {
        return bytes.byteSize() >= 4 && bytes.get(JAVA_BYTE, 0) == 'P' && bytes.get(JAVA_BYTE, 1) == 'K'
                && bytes.get(JAVA_BYTE, 2) < 8 && bytes.get(JAVA_BYTE, 3) == bytes.get(JAVA_BYTE, 2) + 1;
    }

    /** What the pickle describes. */
    Object read() {
        Location pickle = records.find(folder + PICKLE);
        Unpickler unpickler = new Unpickler(file, folder + PICKLE, records.bytes(pickle), pickle.offset(), this::storage);
        Object root = unpickler.read();
        if (unpickler.length() != pickle.size()) {
            throw new FormatException(file, "the pickle " + Names.quoted(pickle.name()) + " ends at byte "
                    + unpickler.length() + " of " + pickle.size() + "; the file is damaged");
        }
        return root;
    }

    private String findFolder() {
        String found = null;
        for (String name : records.names()) {
            int slash = name.indexOf('/');
            if (name.substring(slash + 1).equals(PICKLE)) {
                if (found != null) {
                    throw new FormatException(file, "has two pickles, " + Names.quoted(found + PICKLE) + " and "
                            + Names.quoted(name));
                }
                found = name.substring(0, slash + 1);
            }
        }
        if (found == null) {
            throw new FormatException(file, "is a zip archive without a record data.pkl, so PyTorch did not save it");
        }
        if (records.find(found + "constants.pkl") != null) {
            throw new FormatException(file, "is a TorchScript program, expected saved tensors; save its state_dict()");
        }
        return found;
    }

    private void requireLittleEndian() {
        Location order = records.find(folder + "byteorder");
        if (order == null) {
            return; // before PyTorch 2.1, and then nearly always little
        }
        String text = order.size() > 16 ? "longer than any"
                : new String(records.bytes(order).toArray(JAVA_BYTE), StandardCharsets.US_ASCII);
        if (!text.equals("little")) {
            throw new FormatException(file, "its byte order is " + Names.quoted(text) + ", expected little");
        }
    }

    private Storage storage(Tuple id) {
        Storage storage = StorageTypes.storage(id);
        Location entry = records.find(folder + "data/" + storage.key());
        if (entry == null) {
            throw new IllegalArgumentException("a tensor is said to lie in the record "
                    + Names.quoted(folder + "data/" + storage.key()) + ", which the archive does not have");
        }
        if (storage.elements() > entry.size() || entry.size() != storage.elements() * storage.dtype().bytes()) {
            throw new IllegalArgumentException("the record " + Names.quoted(entry.name()) + " has " + entry.size()
                    + " bytes, expected " + storage.elements() + " elements of " + storage.dtype());
        }
        return storage;
    }

    @Override
    public synchronized MemorySegment of(Storage storage) {
        return read.computeIfAbsent(storage.key(), key -> records.bytes(records.find(folder + "data/" + key)));
    }

    @Override
    public long offset(Storage storage) {
        return records.find(folder + "data/" + storage.key()).offset();
    }
}
