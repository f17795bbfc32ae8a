package org.lora4j.io.torch;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.Names;
import org.lora4j.io.DType;
import org.lora4j.io.FormatException;
import org.lora4j.io.MappedTensors;
import org.lora4j.io.TensorInfo;
import org.lora4j.io.torch.Pickled.Dict;
import org.lora4j.io.torch.Pickled.Storage;
import org.lora4j.io.torch.Pickled.View;
import org.lora4j.tensor.Shape;

/**
 * A file that {@code torch.save} wrote, a {@code .pt} or {@code .bin}: a dict from names to tensors. Both layouts are read:
 *
 * <pre>
 *   since PyTorch 1.6, a zip archive of stored records
 *     NAME/data.pkl      a pickle: {'h.0.attn.c_attn.lora_A': _rebuild_tensor_v2(storage 0, offset, sizes, strides, …), …}
 *     NAME/data/0, …     the storages, little-endian
 *     NAME/byteorder     "little"; not in older files
 *     NAME/version       and others, not needed
 *
 *   before, or with _use_new_zipfile_serialization=False
 *     three pickles (a magic number, 1001, sizes of C's types), the pickle, a pickled list of the storages' keys,
 *     and for each of them its length in 8 bytes and its elements
 * </pre>
 *
 * <p>No pickle is run: {@link Unpickler} follows a closed set of opcodes and globals, and refuses everything else by name and
 * byte offset. Where the dict holds one dict that holds the tensors, as {@code {'model_state_dict': {…}}}, those are meant;
 * texts and numbers beside the tensors are the metadata.
 *
 * <p>Tensors may share a storage. One that is not row-major there, such as a transpose, is copied when it is read. All
 * together they may not be larger than eight times the file.
 *
 * <p>Source: {@code torch/serialization.py} of PyTorch 2.13.
 */
public final class TorchFile extends MappedTensors {

    private static final int MOST_TIMES_THE_FILE = 8;

    private final Map<String, View> views = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final StorageBytes storages;

    /** Where the bytes of the storages are. */
    interface StorageBytes {
        /** The bytes of a whole storage. */
        MemorySegment of(Storage storage);

        /** Where they begin in the file. */
        long offset(Storage storage);
    }

    private TorchFile(Opening opening) {
        super(opening);
        Object root;
        if (LegacyTorch.isOne(mapped)) {
            LegacyTorch legacy = new LegacyTorch(file, mapped);
            root = legacy.read();
            storages = legacy;
        } else if (ZippedTorch.isOne(mapped)) {
            ZippedTorch zipped = new ZippedTorch(file, mapped);
            root = zipped.read();
            storages = zipped;
        } else {
            throw new FormatException(file, notOurs(mapped));
        }
        addTensors(root);
        requireReasonable(mapped.byteSize());
    }

    /**
     * Opens a file of {@code torch.save} and reads what tensors it has; nothing in it is run.
     *
     * @throws FormatException             if the file is damaged, of another format, or asks for anything but tensors
     * @throws org.lora4j.LoraException if it is missing or may not be read
     */
    public static TorchFile open(Path file) {
        return open(file, "PyTorch", TorchFile::new);
    }

    /** Whether a file begins as one of PyTorch's does. */
    public static boolean looksLikeOne(byte[] beginning) {
        MemorySegment bytes = MemorySegment.ofArray(beginning);
        return LegacyTorch.isOne(bytes) || ZippedTorch.isOne(bytes);
    }

    private static String notOurs(MemorySegment mapped) {
        byte[] start = mapped.asSlice(0, Math.min(mapped.byteSize(), 1)).toArray(JAVA_BYTE);
        if (start.length == 0) {
            return "is empty, expected a PyTorch file";
        }
        if ((start[0] & 0xFF) == 0x80) {
            return "is a bare pickle, expected a PyTorch file; only torch.save's own layouts are read";
        }
        return "begins with neither a zip archive's nor an old PyTorch file's bytes; it is no PyTorch file";
    }

    // ------------------------------------------------------------------------------------------------ the dict

    private void addTensors(Object root) {
        if (!(root instanceof Dict dict)) {
            throw error("holds " + Pickled.kind(root) + ", expected a dict of tensors");
        }
        Dict holder = holder(dict);
        if (holder != dict) {
            addScalars(dict);
        }
        addScalars(holder);
        holder.items.forEach((key, value) -> {
            if (value instanceof View view) {
                if (!(key instanceof String name)) {
                    throw error("a tensor is called " + key + ", expected a text");
                }
                views.put(name, view);
                Shape shape = Shape.of(view.extents());
                DType dtype = view.storage().dtype();
                tensors.put(name, new TensorInfo(name, dtype, shape,
                        storages.offset(view.storage()) + view.offset() * dtype.bytes(), shape.size() * dtype.bytes()));
            } else if (value instanceof Pickled && value != Pickled.None.NONE) {
                throw error("holds " + Pickled.kind(value) + " under " + Names.quoted(key.toString()) + ", expected a tensor");
            }
        });
        if (views.isEmpty()) {
            throw error("holds a dict without any tensor");
        }
    }

    /** The dict itself, or the one dict of tensors in it. */
    private Dict holder(Dict dict) {
        if (dict.items.values().stream().anyMatch(View.class::isInstance)) {
            return dict;
        }
        List<String> inner = new ArrayList<>();
        Dict found = dict;
        for (Map.Entry<Object, Object> entry : dict.items.entrySet()) {
            if (entry.getValue() instanceof Dict candidate
                    && candidate.items.values().stream().anyMatch(View.class::isInstance)) {
                inner.add(entry.getKey().toString());
                found = candidate;
            }
        }
        if (inner.size() > 1) {
            throw error("holds several dicts of tensors, " + Names.some(inner, 4) + "; save the one that is meant alone");
        }
        return found;
    }

    private void addScalars(Dict dict) {
        dict.items.forEach((key, value) -> {
            if (value instanceof String || value instanceof Number || value instanceof Boolean) {
                metadata.putIfAbsent(key.toString(), value.toString());
            }
        });
    }

    private void requireReasonable(long fileSize) {
        long total = 0;
        for (TensorInfo info : tensors.values()) {
            total += info.byteSize();
            if (total > MOST_TIMES_THE_FILE * fileSize) {
                throw error("tensor " + Names.quoted(info.name()) + " and those before it have " + total
                        + " bytes in a file of " + fileSize + "; too many of them share one storage");
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ reading

    @Override
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /** The tensor's bytes, row-major: as they lie in the file, or a copy if they lie otherwise there. */
    @Override
    public MemorySegment bytes(String name) {
        TensorInfo info = info(name);
        View view = views.get(name);
        MemorySegment storage = storages.of(view.storage());
        long from = view.offset() * info.dtype().bytes();
        return isRowMajor(view) ? storage.asSlice(info.size() == 0 ? 0 : from, info.byteSize())
                : gathered(view, storage, info);
    }

    private static boolean isRowMajor(View view) {
        long expected = 1;
        for (int axis = view.extents().length - 1; axis >= 0; axis--) {
            if (view.extents()[axis] == 0) {
                return true;
            }
            if (view.extents()[axis] != 1 && view.strides()[axis] != expected) {
                return false;
            }
            expected *= view.extents()[axis];
        }
        return true;
    }

    private static MemorySegment gathered(View view, MemorySegment storage, TensorInfo info) {
        int width = info.dtype().bytes();
        byte[] copy = new byte[Math.toIntExact(info.byteSize())];
        int[] index = new int[view.extents().length];
        long element = view.offset();
        for (int i = 0; i < copy.length; i += width) {
            MemorySegment.copy(storage, JAVA_BYTE, element * width, copy, i, width);
            for (int axis = index.length - 1; axis >= 0; axis--) {
                element += view.strides()[axis];
                if (++index[axis] < view.extents()[axis]) {
                    break;
                }
                element -= view.strides()[axis] * view.extents()[axis];
                index[axis] = 0;
            }
        }
        return MemorySegment.ofArray(copy).asReadOnly();
    }

    private FormatException error(String problem) {
        return new FormatException(file, problem);
    }
}
