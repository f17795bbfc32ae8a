package org.lora4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a text holds, one after the other, so that a long one is never in memory as a whole. */
@FunctionalInterface
interface Records<E> {

    /** Null behind the last. */
    @Nullable E next() throws IOException;

    /** All that are left. */
    default List<E> rest() throws IOException {
        List<E> all = new ArrayList<>();
        for (E one = next(); one != null; one = next()) {
            all.add(one);
        }
        return all;
    }
}
