package org.lora4j.io;

import java.util.LinkedHashMap;
import java.util.Map;

/** Counts infinities and NaN in tensors: a model that has them computes nothing of use, and seldom says so by itself. */
public final class NotFinite {

    private static final int AT_ONCE = 1 << 16;

    private NotFinite() {
    }

    /** How many elements are not finite, by the names of the tensors that have any; tensors of whole numbers have none. */
    public static Map<String, Long> in(TensorSource source) {
        Map<String, Long> counts = new LinkedHashMap<>();
        double[] some = new double[AT_ONCE];
        for (String name : source.names()) {
            if (!source.dtype(name).isFloating()) {
                continue;
            }
            long size = source.info(name).size();
            long found = 0;
            for (long from = 0; from < size; from += AT_ONCE) {
                int count = (int) Math.min(AT_ONCE, size - from);
                source.readDoubles(name, from, some, 0, count);
                for (int i = 0; i < count; i++) {
                    found += Double.isFinite(some[i]) ? 0 : 1;
                }
            }
            if (found > 0) {
                counts.put(name, found);
            }
        }
        return counts;
    }
}
