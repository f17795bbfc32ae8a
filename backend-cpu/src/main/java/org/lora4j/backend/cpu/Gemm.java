package org.lora4j.backend.cpu;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The matrix product c ← alpha·op(a)·op(b) + beta·c, or op(a)·op(b) + bias. Thin ones go to {@link ThinProduct}, all
 * others to {@link TiledProduct}; one that is narrow with a transposed a, such as the gradient of a LoRA matrix B, is
 * computed as its transpose, so that vectors run along the long side.
 *
 * <p>Order of summation: in tiles, each element of c is a chain of fma over at most {@link #DEPTH} of k, alpha times that
 * is added to c, then comes the next part of k; for thin products see {@link Dots}. k is never split among threads, and
 * which way a product takes depends on its shape only, so the bits do not depend on the number of threads.
 * |error| ≤ (k + k/256 + 4)·u·(|alpha|·Σ|aᵢ·bᵢ| + |beta·c|) to first order, u = 2⁻²⁴.
 */
final class Gemm {

    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    static final int LANES = FLOATS.length();

    /** Rows of a tile: what the machine's 32 or 16 vector registers hold. */
    static final int ROWS = LANES == 16 ? 12 : 6;
    /** Columns of a tile. */
    static final int COLUMNS = 2 * LANES;
    /** The most steps of k between two visits of a sum: a strip of b of 336 × 32 floats has its place in 48 KiB of cache. */
    static final int DEPTH = 336;
    /** At most so many rows with a weight in a smaller type go without turning it around. */
    private static final int MOST_LANE_ROWS = 48;

    private final FrozenPanels frozen = new FrozenPanels();
    private final Product product = new Product();
    private final Workers workers;
    private final ThinProduct thin;
    private final TiledProduct tiled;
    private final LaneRows laneRows;
    private boolean rowsAlone;

    Gemm(Workers workers) {
        this.workers = workers;
        thin = new ThinProduct(workers);
        tiled = new TiledProduct(workers, frozen);
        laneRows = new LaneRows(workers);
    }

    /** From now on every row of op(a) is summed as it would be alone, or as its product is computed fastest. */
    boolean sumRowsAlone(boolean on) {
        rowsAlone = on;
        return true;
    }

    boolean sumsRowsAlone() {
        return rowsAlone;
    }

    /** From now on the panels of this array may be kept. */
    void freeze(float[] constant) {
        boolean entered = workers.enter();
        frozen.freeze(constant);
        workers.leave(entered);
    }

    /** See {@link Product} for the arguments. */
    void multiply(
            int m, int n, int k, float[] a, int aOffset, int aStride, boolean aTransposed,
            float[] b, int bOffset, int bStride, boolean bTransposed,
            float[] c, int cOffset, int cStride, float alpha, float beta, float[] bias) {
        boolean entered = workers.enter(); // the product's numbers, its panels and those that are kept are shared
        try {
            multiplyAlone(m, n, k, a, aOffset, aStride, aTransposed, b, bOffset, bStride, bTransposed, c, cOffset, cStride,
                    alpha, beta, bias);
        } finally {
            workers.leave(entered);
        }
    }

    private void multiplyAlone(
            int m, int n, int k, float[] a, int aOffset, int aStride, boolean aTransposed,
            float[] b, int bOffset, int bStride, boolean bTransposed,
            float[] c, int cOffset, int cStride, float alpha, float beta, float[] bias) {
        if (m == 0 || n == 0) {
            return;
        }
        if (k == 0) {
            empty(m, n, c, cOffset, cStride, beta, bias);
            return;
        }
        fill(m, n, k, a, aOffset, aStride, aTransposed, c, cOffset, cStride, alpha, beta, bias);
        Product x = product;
        x.b = b;
        x.bOffset = bOffset;
        x.bStride = bStride;
        x.bTransposed = bTransposed;
        if (thin.suits(x, rowsAlone)) {
            thin.run(x);
        } else {
            if (aTransposed && n <= ROWS && m > n && bias == null) {
                x.flip();
            }
            tiled.run(x);
        }
        x.clear();
    }

    /** A product with a weight in a smaller type, c ← alpha·op(a)·op(W) + beta·c or + bias, W's rows from {@code row} on. */
    void multiply(
            int m, int n, int k, float[] a, int aOffset, int aStride, boolean aTransposed, CompressedWeights weights, int row,
            boolean transposed, float[] c, int cOffset, int cStride, float alpha, float beta, float[] bias) {
        if (m == 0 || n == 0) {
            return;
        }
        boolean entered = workers.enter();
        try {
            fill(m, n, k, a, aOffset, aStride, aTransposed, c, cOffset, cStride, alpha, beta, bias);
            product.weights = weights;
            product.weightRow = row;
            product.bTransposed = transposed;
            if (transposed && !aTransposed && m <= MOST_LANE_ROWS) {
                laneRows.run(product);
            } else {
                tiled.run(product);
            }
            product.clear();
        } finally {
            workers.leave(entered);
        }
    }

    private void fill(
            int m, int n, int k, float[] a, int aOffset, int aStride, boolean aTransposed, float[] c, int cOffset, int cStride,
            float alpha, float beta, float[] bias) {
        Product x = product;
        x.m = m;
        x.n = n;
        x.k = k;
        x.a = a;
        x.aOffset = aOffset;
        x.aStride = aStride;
        x.aTransposed = aTransposed;
        x.c = c;
        x.cOffset = cOffset;
        x.cStride = cStride;
        x.cColumnStride = 1;
        x.alpha = alpha;
        x.beta = beta;
        x.bias = bias;
    }

    /** The sum of no products is zero. */
    private static void empty(int m, int n, float[] c, int cOffset, int cStride, float beta, float[] bias) {
        for (int i = 0; i < m; i++) {
            int row = cOffset + i * cStride;
            if (bias != null) {
                System.arraycopy(bias, 0, c, row, n);
            } else if (beta == 0) {
                Arrays.fill(c, row, row + n, 0);
            } else {
                for (int j = 0; j < n; j++) {
                    c[row + j] *= beta;
                }
            }
        }
    }
}
