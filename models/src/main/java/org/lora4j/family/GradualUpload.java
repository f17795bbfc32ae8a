package org.lora4j.family;

import java.util.concurrent.atomic.AtomicReference;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.Tensor;

/**
 * Fills a large tensor a quarter of a megabyte at a time, so that a weight is not in memory twice while it is loaded, and what
 * was needed on the way dies young.
 */
public final class GradualUpload {

    private static final int LENGTH = 1 << 16;
    /**
     * The piece that the next upload may use. One of its own would live through the loading of its tensor, long enough to be
     * moved to the memory of what stays, and leave a hole there: 40 MB of holes for BERT-base's weights.
     */
    private static final AtomicReference<float[]> SPARE = new AtomicReference<>();

    private GradualUpload() {
    }

    /** Where the numbers come from. */
    @FunctionalInterface
    public interface Source {

        /** Writes the elements {@code from} to {@code from + count − 1} to the beginning of {@code piece}. */
        void read(long from, float[] piece, int count);
    }

    /** Writes every element of {@code tensor}. */
    public static void upload(Backend backend, Tensor tensor, Source source) {
        int columns = tensor.columns();
        int length = Math.max(64, LENGTH / columns / 64 * 64) * columns; // whole rows and whole blocks, as smaller types need it
        float[] spare = SPARE.getAndSet(null);
        float[] piece = spare != null && spare.length >= length ? spare : new float[length];
        for (long from = 0; from < tensor.size(); from += length) {
            int count = (int) Math.min(length, tensor.size() - from);
            source.read(from, piece, count);
            backend.upload(piece, 0, tensor, from, count);
        }
        SPARE.set(piece);
    }
}
