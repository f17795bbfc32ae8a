package org.lora4j.backend.tornado;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;

/** Lays the launches' lists of whole numbers out in one array; a list that several launches read lies there once. */
final class Tables {

    private final Map<int[], int[]> places = new IdentityHashMap<>();
    private int[] values;
    private int used;

    Tables(int capacity) {
        values = new int[capacity];
    }

    void clear() {
        places.clear();
        used = 0;
    }

    int[] values() {
        return values;
    }

    int used() {
        return used;
    }

    /** Makes the array larger where these lists would not fit any more. */
    void reserve(Launch launch) {
        int more = Arrays.stream(launch.lengths()).sum();
        if (used + more > values.length) {
            values = Arrays.copyOf(values, Math.max(used + more, 2 * values.length));
        }
    }

    /** Whether the launch's lists fit behind what is there. */
    boolean hasRoomFor(Launch launch) {
        return used + Arrays.stream(launch.lengths()).sum() <= values.length;
    }

    /** The launch's args, with the offsets of its lists, into args[slot …], and its factors likewise. */
    void encode(Launch launch, int[] args, float[] factors, int slot) {
        System.arraycopy(launch.args(), 0, args, slot, launch.args().length);
        System.arraycopy(launch.factors(), 0, factors, slot / (Launch.ARGS / Launch.FACTORS), launch.factors().length);
        for (int i = 0; i < launch.lists().length; i++) {
            args[slot + launch.listArgs()[i]] = place(launch.lists()[i], launch.lengths()[i]);
        }
    }

    private int place(int[] list, int length) {
        int[] place = places.get(list);
        if (place == null || place[1] < length) {
            System.arraycopy(list, 0, values, used, length);
            place = new int[] {used, length};
            places.put(list, place);
            used += length;
        }
        return place[0];
    }
}
