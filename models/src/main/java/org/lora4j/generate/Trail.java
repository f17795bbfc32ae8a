package org.lora4j.generate;

import java.util.Arrays;
import org.lora4j.nn.KeyValuePool;

/** The rows of a pool in which a sequence's past lies, in its order. */
final class Trail {

    private final KeyValuePool pool;
    private int[] rows;
    private int length;

    /** @param rows which this trail has taken */
    Trail(KeyValuePool pool, int[] rows) {
        this.pool = pool;
        this.rows = rows;
        this.length = rows.length;
    }

    int length() {
        return length;
    }

    /** @param row which this trail has taken */
    void append(int row) {
        if (length == rows.length) {
            rows = Arrays.copyOf(rows, length + Math.max(16, length / 2));
        }
        rows[length++] = row;
    }

    /** Another one that names the same rows. */
    Trail fork() {
        return fork(length);
    }

    /** Another one that names the first {@code count} of them. */
    Trail fork(int count) {
        pool.share(rows, count);
        Trail fork = new Trail(pool, Arrays.copyOf(rows, count + 16));
        fork.length = count;
        return fork;
    }

    /** The rows, in their order. */
    int[] rows() {
        return Arrays.copyOf(rows, length);
    }

    /** Gives its rows back. */
    void release() {
        pool.release(rows, length);
        length = 0;
    }

    void copyTo(int[] table, int at) {
        System.arraycopy(rows, 0, table, at, length);
    }
}
