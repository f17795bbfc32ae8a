package org.lora4j.io.torch;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.Function;
import org.lora4j.Names;
import org.lora4j.io.FormatException;
import org.lora4j.io.torch.Pickled.Dict;
import org.lora4j.io.torch.Pickled.None;
import org.lora4j.io.torch.Pickled.Sequence;
import org.lora4j.io.torch.Pickled.Storage;
import org.lora4j.io.torch.Pickled.Tuple;

/** The layout of PyTorch's files before 1.6, pickles one after the other; {@link TorchFile} says what is in it. */
final class LegacyTorch implements TorchFile.StorageBytes {

    /** The pickle of the number 0x1950a86a20f9469cfc6c, with which every such file begins. */
    private static final byte[] MAGIC = HexFormat.of().parseHex("80028a0a6cfc9c46f9206aa850192e");
    private static final long PROTOCOL = 1001;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final MemorySegment mapped;
    private final Map<String, Storage> storages = new HashMap<>();
    private final Map<String, Long> offsets = new HashMap<>();
    private long at = MAGIC.length;

    LegacyTorch(Path file, MemorySegment mapped) {
        this.file = file;
        this.mapped = mapped;
    }

    static boolean isOne(MemorySegment bytes) {
        return bytes.byteSize() >= MAGIC.length
                && bytes.asSlice(0, MAGIC.length).mismatch(MemorySegment.ofArray(MAGIC)) == -1;
    }

    Object read() {
        Object protocol = pickle("of the protocol", LegacyTorch::noStorage);
        if (!protocol.equals(PROTOCOL)) {
            throw error("is of PyTorch's protocol " + Pickled.kind(protocol) + ", expected " + PROTOCOL);
        }
        if (!(pickle("of the system", LegacyTorch::noStorage) instanceof Dict system)
                || !Boolean.TRUE.equals(system.items.get("little_endian"))) {
            throw error("was not written by a little-endian machine");
        }
        Object root = pickle("of the tensors", this::storage);
        if (!(pickle("of the storages' keys", LegacyTorch::noStorage) instanceof Sequence keys)) {
            throw error("has no list of storages behind its pickle");
        }
        keys.items.forEach(this::locate);
        storages.keySet().forEach(key -> {
            if (!offsets.containsKey(key)) {
                throw error("the storage " + Names.quoted(key) + " is not in the file's list of them");
            }
        });
        if (at != mapped.byteSize()) {
            throw error("has " + (mapped.byteSize() - at) + " bytes behind its last storage, expected none");
        }
        return root;
    }

    private Object pickle(String which, Function<Tuple, Storage> ids) {
        Unpickler unpickler = new Unpickler(file, which, mapped.asSlice(at), at, ids);
        Object value = unpickler.read();
        at += unpickler.length();
        return value;
    }

    private static Storage noStorage(Tuple id) {
        throw new IllegalArgumentException("it holds a persistent id, expected none here");
    }

    /** Six elements here: the sixth says which part of another storage this one is, and has been None for years. */
    private Storage storage(Tuple id) {
        Storage storage = StorageTypes.storage(id);
        if (id.items().size() == 6 && id.items().get(5) != None.NONE) {
            throw new IllegalArgumentException("the storage " + Names.quoted(storage.key()) + " is a part of another");
        }
        Storage before = storages.putIfAbsent(storage.key(), storage);
        if (before != null && !before.equals(storage)) {
            throw new IllegalArgumentException("the storage " + Names.quoted(storage.key()) + " is described in two ways");
        }
        if (storage.elements() > mapped.byteSize()) {
            throw new IllegalArgumentException("the storage " + Names.quoted(storage.key()) + " is said to have "
                    + storage.elements() + " elements in a file of " + mapped.byteSize() + " bytes");
        }
        return storage;
    }

    private void locate(Object key) {
        if (!(key instanceof String name) || !storages.containsKey(name)) {
            throw error("lists a storage " + (key instanceof String text ? Names.quoted(text) : Pickled.kind(key))
                    + " that no tensor lies in");
        }
        Storage storage = storages.get(name);
        long bytes = storage.elements() * storage.dtype().bytes();
        if (mapped.byteSize() - at < Long.BYTES || mapped.byteSize() - at - Long.BYTES < bytes) {
            throw error("the storage " + Names.quoted(name) + " at offset " + at + " needs " + bytes
                    + " bytes and their count, but the file ends at " + mapped.byteSize() + "; it is cut off");
        }
        if (mapped.get(LONG, at) != storage.elements()) {
            throw error("the storage " + Names.quoted(name) + " at offset " + at + " is said to have " + mapped.get(LONG, at)
                    + " elements, expected " + storage.elements());
        }
        if (offsets.put(name, at + Long.BYTES) != null) {
            throw error("lists the storage " + Names.quoted(name) + " twice");
        }
        at += Long.BYTES + bytes;
    }

    @Override
    public MemorySegment of(Storage storage) {
        return mapped.asSlice(offset(storage), storage.elements() * storage.dtype().bytes());
    }

    @Override
    public long offset(Storage storage) {
        return offsets.get(storage.key());
    }

    private FormatException error(String problem) {
        return new FormatException(file, problem);
    }
}
