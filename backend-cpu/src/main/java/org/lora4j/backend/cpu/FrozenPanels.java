package org.lora4j.backend.cpu;

import java.util.HashMap;
import java.util.Map;
import java.util.WeakHashMap;
import org.lora4j.backend.CountingBackend;

/**
 * The packed panels of transposed operands that never change.
 *
 * <p>x·Wᵀ needs W in panels, g·W reads it as it lies; so a weight whose panels are kept is held twice. Packing it in each
 * step instead costs 2 to 5 % of a product with 512 rows, most of one with 16. So panels are kept for products with few
 * rows, as long as they take less than a quarter of the heap, and for small models always; a large model that trains on
 * large batches is not held twice for the sake of those few per cent. Panels go when their weight does.
 */
final class FrozenPanels {

    /** With so many rows, a product hardly notices that its weight is packed. */
    private static final int MANY_ROWS = 96;
    /** Frozen floats of a small model, 128 MB: the narrower its maps, the more of a product is packing, 9 % where they are of 384. */
    private static final long SMALL = 32 << 20;

    private final Map<float[], Map<Region, float[]>> panels = new WeakHashMap<>();
    private final long limit = Runtime.getRuntime().maxMemory() / Float.BYTES / 4;

    /** The part of an array that a view shows. */
    private record Region(int offset, int stride, int columns, int depth) {
    }

    /** From now on the array's panels may be kept. */
    void freeze(float[] constant) {
        panels.putIfAbsent(constant, new HashMap<>(2));
    }

    /** The place for the panels of the product's b, or null if they are not to be kept. */
    Entry entry(Product product, int length) {
        Map<Region, float[]> regions = panels.isEmpty() ? null : panels.get(product.b);
        if (regions == null) {
            return null;
        }
        Region region = new Region(product.bOffset, product.bStride, product.n, product.k);
        float[] values = regions.get(region);
        if (values != null) {
            return new Entry(values, true);
        }
        if (!keeps(product.m, frozen()) || length > limit - kept()) {
            return null;
        }
        values = new float[length];
        regions.put(region, values);
        return new Entry(values, false);
    }

    /** Whether the panels of a product with so many rows are kept, where so many numbers are frozen. */
    private static boolean keeps(int rows, long frozen) {
        return rows < MANY_ROWS || frozen <= SMALL;
    }

    /** How many numbers would be kept of what was done on a counting backend. */
    static long foretold(CountingBackend counted) {
        long frozen = counted.frozen();
        long wanted = counted.frozenBeside(rows -> rows > ThinProduct.FEW_ROWS && keeps(rows, frozen));
        return Math.min(wanted, Runtime.getRuntime().maxMemory() / Float.BYTES / 4);
    }

    /** Of the weights that still are: those of a model that has gone do not count against the next one. */
    long frozen() {
        return panels.keySet().stream().mapToLong(constant -> constant.length).sum();
    }

    private long kept() {
        return panels.values().stream().flatMap(regions -> regions.values().stream()).mapToLong(values -> values.length).sum();
    }

    /**
     * Space for panels.
     *
     * @param filled whether they are there already; if not, the caller fills them
     */
    record Entry(float[] values, boolean filled) {
    }
}
