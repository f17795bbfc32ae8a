package org.lora4j.family;

import org.lora4j.backend.Backend;
import org.lora4j.tensor.Tensor;

/**
 * Fills a large tensor a quarter of a megabyte at a time, so that a weight is not in memory twice while it is loaded, and what
 * was needed on the way dies young.
 */
public final class GradualUpload {

    private static final int LENGTH = 1 << 16;

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
        int length = Math.max(1, LENGTH / columns) * columns; // whole rows, which a smaller type needs
        float[] piece = new float[(int) Math.min(length, tensor.size())];
        for (long from = 0; from < tensor.size(); from += length) {
            int count = (int) Math.min(length, tensor.size() - from);
            source.read(from, piece, count);
            backend.upload(piece, 0, tensor, from, count);
        }
    }
}
