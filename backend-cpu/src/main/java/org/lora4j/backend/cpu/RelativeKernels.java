package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.AttentionKernels.QUERY_BLOCK;
import static org.lora4j.backend.cpu.AttentionPanels.WIDTH;
import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import jdk.incubator.vector.FloatVector;

/**
 * What distances add to a block of scores:
 *
 * <pre>
 *   S[t, s] += q[t]·k̂[u]  +  q̂[u]·k[s]              u = s − t + queries − 1
 * </pre>
 *
 * <p>A vector holds a query's neighbouring keys; their rows of {@link RelativeTables} are neighbours too, a step back for
 * the next query. So both terms are multiply-adds of vectors where they lie: nothing is gathered, and of the scores no more
 * exists than the block.
 */
final class RelativeKernels {

    /** Queries of a tile: as many accumulators. */
    static final int TILE = 8;

    private RelativeKernels() {
    }

    /**
     * Adds both terms.
     *
     * @param scores  a block's, in panels
     * @param first   the block's first query
     * @param last    the number of queries less one
     * @param queries the block's, scaled, in panels
     * @param keys    all of them, transposed, in panels
     * @param h       the head
     */
    static void add(
            float[] scores, int rows, int columns, int first, int last, float[] queries, float[] keys, RelativeTables tables,
            int h) {
        for (int s = 0; s < columns; s += LANES) {
            int score = s / WIDTH * (QUERY_BLOCK * WIDTH) + s % WIDTH;
            int key = s / WIDTH * (tables.size * WIDTH) + s % WIDTH;
            for (int i = 0; i < rows; i += TILE) {
                int from = tables.features(h) + RelativeTables.FRONT + s - first - i + last;
                if (tables.keys != null) {
                    addToKeys(scores, score + i * WIDTH, queries, i * WIDTH, tables.keys, from, tables.stride, tables.size);
                }
                if (tables.queries != null) {
                    addFromQueries(scores, score + i * WIDTH, keys, key, tables.queries, from, tables.stride, tables.size);
                }
            }
        }
    }

    /** S += q·k̂. */
    private static void addToKeys(float[] x, int at, float[] q, int q0, float[] table, int from, int stride, int size) {
        FloatVector x0 = FloatVector.fromArray(SPECIES, x, at);
        FloatVector x1 = FloatVector.fromArray(SPECIES, x, at + WIDTH);
        FloatVector x2 = FloatVector.fromArray(SPECIES, x, at + 2 * WIDTH);
        FloatVector x3 = FloatVector.fromArray(SPECIES, x, at + 3 * WIDTH);
        FloatVector x4 = FloatVector.fromArray(SPECIES, x, at + 4 * WIDTH);
        FloatVector x5 = FloatVector.fromArray(SPECIES, x, at + 5 * WIDTH);
        FloatVector x6 = FloatVector.fromArray(SPECIES, x, at + 6 * WIDTH);
        FloatVector x7 = FloatVector.fromArray(SPECIES, x, at + 7 * WIDTH);
        for (int c = 0, u = from; c < size; c++, u += stride) {
            int qi = q0 + c / WIDTH * (QUERY_BLOCK * WIDTH) + c % WIDTH;
            x0 = FloatVector.fromArray(SPECIES, table, u).fma(FloatVector.broadcast(SPECIES, q[qi]), x0);
            x1 = FloatVector.fromArray(SPECIES, table, u - 1).fma(FloatVector.broadcast(SPECIES, q[qi + WIDTH]), x1);
            x2 = FloatVector.fromArray(SPECIES, table, u - 2).fma(FloatVector.broadcast(SPECIES, q[qi + 2 * WIDTH]), x2);
            x3 = FloatVector.fromArray(SPECIES, table, u - 3).fma(FloatVector.broadcast(SPECIES, q[qi + 3 * WIDTH]), x3);
            x4 = FloatVector.fromArray(SPECIES, table, u - 4).fma(FloatVector.broadcast(SPECIES, q[qi + 4 * WIDTH]), x4);
            x5 = FloatVector.fromArray(SPECIES, table, u - 5).fma(FloatVector.broadcast(SPECIES, q[qi + 5 * WIDTH]), x5);
            x6 = FloatVector.fromArray(SPECIES, table, u - 6).fma(FloatVector.broadcast(SPECIES, q[qi + 6 * WIDTH]), x6);
            x7 = FloatVector.fromArray(SPECIES, table, u - 7).fma(FloatVector.broadcast(SPECIES, q[qi + 7 * WIDTH]), x7);
        }
        x0.intoArray(x, at);
        x1.intoArray(x, at + WIDTH);
        x2.intoArray(x, at + 2 * WIDTH);
        x3.intoArray(x, at + 3 * WIDTH);
        x4.intoArray(x, at + 4 * WIDTH);
        x5.intoArray(x, at + 5 * WIDTH);
        x6.intoArray(x, at + 6 * WIDTH);
        x7.intoArray(x, at + 7 * WIDTH);
    }

    /** S += q̂·k. */
    private static void addFromQueries(float[] x, int at, float[] k, int k0, float[] table, int from, int stride, int size) {
        FloatVector x0 = FloatVector.fromArray(SPECIES, x, at);
        FloatVector x1 = FloatVector.fromArray(SPECIES, x, at + WIDTH);
        FloatVector x2 = FloatVector.fromArray(SPECIES, x, at + 2 * WIDTH);
        FloatVector x3 = FloatVector.fromArray(SPECIES, x, at + 3 * WIDTH);
        FloatVector x4 = FloatVector.fromArray(SPECIES, x, at + 4 * WIDTH);
        FloatVector x5 = FloatVector.fromArray(SPECIES, x, at + 5 * WIDTH);
        FloatVector x6 = FloatVector.fromArray(SPECIES, x, at + 6 * WIDTH);
        FloatVector x7 = FloatVector.fromArray(SPECIES, x, at + 7 * WIDTH);
        for (int c = 0, u = from; c < size; c++, u += stride) {
            FloatVector key = FloatVector.fromArray(SPECIES, k, k0 + c * WIDTH);
            x0 = FloatVector.fromArray(SPECIES, table, u).fma(key, x0);
            x1 = FloatVector.fromArray(SPECIES, table, u - 1).fma(key, x1);
            x2 = FloatVector.fromArray(SPECIES, table, u - 2).fma(key, x2);
            x3 = FloatVector.fromArray(SPECIES, table, u - 3).fma(key, x3);
            x4 = FloatVector.fromArray(SPECIES, table, u - 4).fma(key, x4);
            x5 = FloatVector.fromArray(SPECIES, table, u - 5).fma(key, x5);
            x6 = FloatVector.fromArray(SPECIES, table, u - 6).fma(key, x6);
            x7 = FloatVector.fromArray(SPECIES, table, u - 7).fma(key, x7);
        }
        x0.intoArray(x, at);
        x1.intoArray(x, at + WIDTH);
        x2.intoArray(x, at + 2 * WIDTH);
        x3.intoArray(x, at + 3 * WIDTH);
        x4.intoArray(x, at + 4 * WIDTH);
        x5.intoArray(x, at + 5 * WIDTH);
        x6.intoArray(x, at + 6 * WIDTH);
        x7.intoArray(x, at + 7 * WIDTH);
    }
}
