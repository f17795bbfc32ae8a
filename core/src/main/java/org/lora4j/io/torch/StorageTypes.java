package org.lora4j.io.torch;

import java.util.Map;
import java.util.Map.Entry;
import org.lora4j.io.DType;
import org.lora4j.io.torch.Pickled.Global;
import org.lora4j.io.torch.Pickled.Storage;
import org.lora4j.io.torch.Pickled.Tuple;

/** PyTorch's classes of storages and the types of their elements. */
final class StorageTypes {

    private static final Map<String, DType> TYPES = Map.of("DoubleStorage", DType.F64, "FloatStorage", DType.F32,
            "HalfStorage", DType.F16, "BFloat16Storage", DType.BF16, "LongStorage", DType.I64, "IntStorage", DType.I32,
            "ByteStorage", DType.U8, "BoolStorage", DType.BOOL);

    private StorageTypes() {
    }

    /** The class of a type, without its module {@code torch}. */
    static String className(DType dtype) {
        return TYPES.entrySet().stream().filter(entry -> entry.getValue() == dtype).map(Entry::getKey).findFirst()
                .orElseThrow();
    }

    /**
     * What the first five elements of a persistent id say: {@code ('storage', torch.FloatStorage, '0', 'cpu', 12)}. Where it
     * lay when it was saved, {@code 'cuda:0'} say, is of no interest.
     *
     * @throws IllegalArgumentException if they say something else
     */
    static Storage storage(Tuple id) {
        if (id.items().size() < 5 || !id.items().get(0).equals("storage") || !(id.items().get(1) instanceof Global type)
                || !(id.items().get(2) instanceof String key) || !(id.items().get(3) instanceof String)
                || !(id.items().get(4) instanceof Long elements) || elements < 0) {
            throw new IllegalArgumentException("a persistent id is " + Pickled.kind(id)
                    + " other than ('storage', a type, a key, a place, a number of elements)");
        }
        DType dtype = TYPES.get(type.name());
        if (dtype == null) {
            throw new IllegalArgumentException("a storage is of the type " + type + ", which is none");
        }
        return new Storage(key, dtype, elements);
    }
}
