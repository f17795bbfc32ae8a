package org.lora4j.io.torch;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.io.DType;

/**
 * What the interpreter makes of a pickle: its own plain values, never objects of classes that the file names. Texts,
 * {@code Long}s, {@code Double}s and {@code Boolean}s stand for themselves.
 */
sealed interface Pickled {

    /** Python's {@code None}. */
    enum None implements Pickled { NONE }

    /** One of the globals of the closed set. */
    record Global(String module, String name) implements Pickled {

        @Override
        public String toString() {
            return module + "." + name;
        }
    }

    record Tuple(List<Object> items) implements Pickled {
    }

    /** A list; not a record: two lists are the same if they are one. */
    final class Sequence implements Pickled {
        final List<Object> items = new ArrayList<>();
    }

    /** A dict or an OrderedDict. Its keys are texts or whole numbers, so that none takes long to compare. */
    final class Dict implements Pickled {
        final Map<Object, Object> items = new LinkedHashMap<>();
    }

    /** A run of numbers of one type somewhere in the file. */
    record Storage(String key, DType dtype, long elements) implements Pickled {
    }

    /** A view of a storage: element (i, j, …) is the storage's element offset + i·stride₀ + j·stride₁ + …. */
    record View(Storage storage, long offset, int[] extents, long[] strides) implements Pickled {
    }

    /** In words, for messages. */
    static String kind(Object value) {
        return switch (value) {
            case None none -> "None";
            case Global global -> "the global " + global;
            case Tuple tuple -> "a tuple of " + tuple.items().size();
            case Sequence list -> "a list of " + list.items.size();
            case Dict dict -> "a dict of " + dict.items.size();
            case Storage storage -> "a storage";
            case View view -> "a tensor";
            case String text -> "a text";
            case Boolean flag -> flag.toString();
            case Number number -> "the number " + number;
            default -> value.getClass().getSimpleName();
        };
    }
}
