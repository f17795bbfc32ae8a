package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.KernelContext;

/**
 * The product of {@link ProductKernels} for GPUs: a work group computes {@value #TILE} × {@value #TILE} elements of c, from
 * strips of a and b that it takes to local memory {@value #STRIP} deep, and each of its {@value #GROUP} work items 4 × 4 of
 * them. A sum runs over ascending k.
 */
public final class TiledProducts {

    /** Work items of a group. */
    public static final int GROUP = 256;
    /** Rows and columns of c for a group. */
    public static final int TILE = 64;

    private static final int STRIP = 16;

    private TiledProducts() {
    }

    public static void product(
            KernelContext context, float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        float[] left = context.allocateFloatLocalArray(TILE * STRIP);
        float[] right = context.allocateFloatLocalArray(TILE * STRIP);
        float[] results = context.allocateFloatLocalArray(TILE * TILE);
        int m = args[slot + 1];
        int n = args[slot + 2];
        int depth = args[slot + 3];
        int aRow = args[slot + 4];
        int aColumn = args[slot + 5];
        int bRow = args[slot + 6];
        int bColumn = args[slot + 7];
        int item = context.localIdx;
        int across = (n + TILE - 1) / TILE;
        int tiles = across * ((m + TILE - 1) / TILE);
        int which = context.groupIdx / tiles;
        int tile = context.groupIdx - which * tiles;
        int firstRow = tile / across * TILE;
        int firstColumn = tile % across * TILE;
        int a = tables[args[slot + 9] + 3 * which];
        int b = tables[args[slot + 9] + 3 * which + 1];
        int row = item / 16 * 4;
        int column = item % 16;
        float c00 = 0f;
        float c01 = 0f;
        float c02 = 0f;
        float c03 = 0f;
        float c10 = 0f;
        float c11 = 0f;
        float c12 = 0f;
        float c13 = 0f;
        float c20 = 0f;
        float c21 = 0f;
        float c22 = 0f;
        float c23 = 0f;
        float c30 = 0f;
        float c31 = 0f;
        float c32 = 0f;
        float c33 = 0f;
        // neighbouring work items read neighbouring elements, whichever way the matrix lies
        int aAlongK = aColumn == 1 ? 1 : 0;
        int bAlongK = bRow == 1 ? 1 : 0;
        for (int from = 0; from < depth; from += STRIP) {
            for (int e = item; e < TILE * STRIP; e += GROUP) {
                int i = aAlongK * (e / STRIP) + (1 - aAlongK) * (e % TILE);
                int k = aAlongK * (e % STRIP) + (1 - aAlongK) * (e / TILE);
                float value = 0f;
                if (firstRow + i < m) {
                    if (from + k < depth) {
                        value = memory[a + (firstRow + i) * aRow + (from + k) * aColumn];
                    }
                }
                left[k * TILE + i] = value;
                int j = bAlongK * (e / STRIP) + (1 - bAlongK) * (e % TILE);
                int l = bAlongK * (e % STRIP) + (1 - bAlongK) * (e / TILE);
                float other = 0f;
                if (firstColumn + j < n) {
                    if (from + l < depth) {
                        other = memory[b + (from + l) * bRow + (firstColumn + j) * bColumn];
                    }
                }
                right[l * TILE + j] = other;
            }
            context.localBarrier();
            for (int k = 0; k < STRIP; k++) {
                int at = k * TILE;
                float a0 = left[at + row];
                float a1 = left[at + row + 1];
                float a2 = left[at + row + 2];
                float a3 = left[at + row + 3];
                float b0 = right[at + column];
                float b1 = right[at + column + 16];
                float b2 = right[at + column + 32];
                float b3 = right[at + column + 48];
                c00 += a0 * b0;
                c01 += a0 * b1;
                c02 += a0 * b2;
                c03 += a0 * b3;
                c10 += a1 * b0;
                c11 += a1 * b1;
                c12 += a1 * b2;
                c13 += a1 * b3;
                c20 += a2 * b0;
                c21 += a2 * b1;
                c22 += a2 * b2;
                c23 += a2 * b3;
                c30 += a3 * b0;
                c31 += a3 * b1;
                c32 += a3 * b2;
                c33 += a3 * b3;
            }
            context.localBarrier();
        }
        int at = row * TILE + column;
        results[at] = c00;
        results[at + 16] = c01;
        results[at + 32] = c02;
        results[at + 48] = c03;
        results[at + TILE] = c10;
        results[at + TILE + 16] = c11;
        results[at + TILE + 32] = c12;
        results[at + TILE + 48] = c13;
        results[at + 2 * TILE] = c20;
        results[at + 2 * TILE + 16] = c21;
        results[at + 2 * TILE + 32] = c22;
        results[at + 2 * TILE + 48] = c23;
        results[at + 3 * TILE] = c30;
        results[at + 3 * TILE + 16] = c31;
        results[at + 3 * TILE + 32] = c32;
        results[at + 3 * TILE + 48] = c33;
        context.localBarrier();
        int c = tables[args[slot + 9] + 3 * which + 2];
        for (int e = item; e < TILE * TILE; e += GROUP) {
            int i = firstRow + e / TILE;
            int j = firstColumn + e % TILE;
            if (i < m) {
                if (j < n) {
                    ProductKernels.store(memory, tables, args, factors, slot, c, i, j, results[e]);
                }
            }
        }
    }
}
