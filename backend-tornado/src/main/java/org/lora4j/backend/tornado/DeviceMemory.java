package org.lora4j.backend.tornado;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.lora4j.LoraException;

/**
 * The memory of all tensors of a backend: one array, of which every tensor has a stretch.
 *
 * <p>One array, because a task graph holds its arrays, and a kernel is compiled for a task of a graph: with an array for
 * each tensor, every layer of a model would be compiled anew, and each graph would have to hand a thousand arrays on to the
 * next. This way an operand is a number, the same compiled graph runs every layer, and one array stays on the device.
 *
 * <p>A tensor's stretch is given back when the garbage collector finds its {@link Block} unreachable. What is handed out
 * again is not cleared here: {@link #allocate} says whether it has been used before.
 */
final class DeviceMemory {

    /** Java's largest array, 8.6 GB of floats. */
    static final int MOST = Integer.MAX_VALUE - 8;
    /** Stretches begin at multiples of this many elements. */
    private static final int ALIGNMENT = 32;
    private static final int FIRST_CAPACITY = 1 << 20;

    private final TreeMap<Integer, Integer> free = new TreeMap<>();
    private final ReferenceQueue<Block> unreachable = new ReferenceQueue<>();
    private final Set<Place> places = new HashSet<>();
    private float[] values = new float[FIRST_CAPACITY];
    private int used;

    /** A stretch, and whether it holds another tensor's old numbers. */
    record Allocation(Block block, boolean dirty) {
    }

    /**
     * The array. On the host's side it holds the tensors as long as none has gone to a device, and uploads until then;
     * afterwards it is only what TornadoVM keeps beside the device's copy.
     */
    float[] values() {
        return values;
    }

    /** Elements that tensors have had so far; beyond them the array is still as it was made, zero. */
    int used() {
        return used;
    }

    /** Whether a tensor of this size needs a larger array than there is. */
    boolean mustGrowFor(long length) {
        return length > 0 && find(aligned(length)) == null && (long) used + aligned(length) > values.length;
    }

    /** Puts a larger array in the place of the present one, with its content. */
    void growFor(long length) {
        long needed = used + (long) aligned(length);
        if (needed > MOST) {
            throw new LoraException(String.format(
                    "the tornado backend holds at most %d numbers (%.1f GB) in all tensors together, and %d are asked for: "
                            + "use smaller batches, a smaller model, or `backend` cpu",
                    MOST, 4e-9 * MOST, needed));
        }
        int capacity = (int) Math.min(MOST, Math.max(needed, values.length + (long) values.length / 2));
        try {
            values = Arrays.copyOf(values, capacity);
        } catch (OutOfMemoryError e) {
            throw new LoraException(String.format(
                    "the tornado backend keeps a copy of the device's memory on Java's heap, and %.1f GB of it do not fit: "
                            + "give Java more, for example LORA4J_JAVA_OPTS=-Xmx%dg",
                    4e-9 * capacity, 2 + (int) Math.ceil(10e-9 * capacity)), e);
        }
    }

    /** A stretch for a tensor; there must be room. */
    Allocation allocate(long length) {
        collect();
        int size = aligned(length);
        Integer offset = size == 0 ? Integer.valueOf(0) : find(size);
        boolean dirty = offset != null && size > 0;
        if (offset == null) {
            offset = used;
            used += size;
        } else if (size > 0) {
            int room = free.remove(offset);
            if (room > size) {
                free.put(offset + size, room - size);
            }
        }
        Block block = new Block(this, offset, (int) length);
        if (size > 0) {
            places.add(new Place(block, unreachable, offset, size));
        }
        return new Allocation(block, dirty);
    }

    /** Takes back what has become unreachable. */
    void collect() {
        for (Reference<? extends Block> gone = unreachable.poll(); gone != null; gone = unreachable.poll()) {
            Place place = (Place) gone;
            places.remove(place);
            release(place.offset, place.size);
        }
    }

    private void release(int offset, int size) {
        int from = offset;
        int length = size;
        Map.Entry<Integer, Integer> before = free.floorEntry(from);
        if (before != null && before.getKey() + before.getValue() == from) {
            free.remove(before.getKey());
            from = before.getKey();
            length += before.getValue();
        }
        Integer after = free.get(from + length);
        if (after != null) {
            free.remove(from + length);
            length += after;
        }
        free.put(from, length);
    }

    /** The smallest free stretch that is large enough, or null. */
    private Integer find(int size) {
        Integer best = null;
        int bestRoom = Integer.MAX_VALUE;
        for (Map.Entry<Integer, Integer> entry : free.entrySet()) {
            if (entry.getValue() >= size && entry.getValue() < bestRoom) {
                best = entry.getKey();
                bestRoom = entry.getValue();
            }
        }
        return best;
    }

    private static int aligned(long length) {
        long size = (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return (int) Math.min(size, MOST);
    }

    /** Remembers where a block was when nothing else does. */
    private static final class Place extends PhantomReference<Block> {

        private final int offset;
        private final int size;

        Place(Block block, ReferenceQueue<Block> queue, int offset, int size) {
            super(block, queue);
            this.offset = offset;
            this.size = size;
        }
    }
}
