package org.lora4j.backend;

import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/** The operations of a {@link Backend} on tables of rows, such as token embeddings. */
public interface EmbeddingOperations {

    /**
     * Gathers rows: out[i] ← table[rows[i]] + beta·out[i].
     *
     * @param table (V, C); read
     * @param rows  (N), each in 0 … V − 1; read
     * @param out   (N, C); written. With beta = 0 its old content is not read
     * @throws IndexOutOfBoundsException if a row is outside the table
     */
    void gatherRows(Tensor table, IntTensor rows, Tensor out, double beta);

    /**
     * The gradient of {@link #gatherRows}: table[rows[i]] ← table[rows[i]] + g[i], in the order of i, so that rows that
     * occur more than once are summed the same way on every run.
     *
     * @param g     (N, C); read
     * @param rows  (N), each in 0 … V − 1; read
     * @param table (V, C); added to
     */
    void scatterAddRows(Tensor g, IntTensor rows, Tensor table);
}
