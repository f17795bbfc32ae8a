package org.lora4j.backend.tornado.kernel;

import uk.ac.manchester.tornado.api.annotations.Parallel;

/**
 * Matrix products with everything that follows them in a Transformer:
 *
 * <pre>
 *   c ← alpha·a·b + beta·c + bias                         then, where asked for,
 *   c ← c + s·u_p·v_p                                     low-rank parts p, each in some of the columns (LoRA)
 *   c ← c ⊙ GELU′(f)     or     c ← c + residual     or     g ← GELU(c)
 * </pre>
 *
 * <p>Element (i, k) of a is at {@code a + i·aRow + k·aColumn}; a transposed view has the two steps exchanged. A sum is that of four, each over every
 * fourth k, ascending.
 *
 * <p>args, from {@code slot}:
 * <pre>
 *    0 elements of all products   1 m   2 n   3 k   4 aRow   5 aColumn   6 bRow   7 bColumn   8 cRow
 *    9 table of (a, b, c) for each product: several of one shape go in one launch, one after the other
 *   10 reads c (beta is not 0)   11 bias, or −1   12 residual, or −1   13 its row
 *   14 GELU kind   15 g, or −1   16 f whose GELU′ multiplies, or −1   17 whether c itself is stored   18 row of g and f
 *   19 low-rank parts   20 table of (first column, columns, u, v) for each   21 rank   22 uRow   23 uColumn   24 vRow   25 vColumn
 * </pre>
 * factors: alpha, beta, s.
 */
public final class ProductKernels {

    private ProductKernels() {
    }

    public static void product(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int count = args[slot];
        int m = args[slot + 1];
        int n = args[slot + 2];
        int depth = args[slot + 3];
        int aRow = args[slot + 4];
        int aColumn = args[slot + 5];
        int bRow = args[slot + 6];
        int bColumn = args[slot + 7];
        int operands = args[slot + 9];
        for (@Parallel int index = 0; index < count; index++) {
            int which = index / (m * n);
            int element = index - which * m * n;
            int i = element / n;
            int j = element - i * n;
            int a = tables[operands + 3 * which] + i * aRow;
            int b = tables[operands + 3 * which + 1] + j * bColumn;
            float sum = sumOfProducts(memory, a, aColumn, b, bRow, depth);
            store(memory, tables, args, factors, slot, tables[operands + 3 * which + 2], i, j, sum);
        }
    }

    /** Σ over k of a[k]·b[k], as four sums over every fourth k. */
    private static float sumOfProducts(float[] memory, int a, int aStep, int b, int bStep, int depth) {
        float s0 = 0f;
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        int k = 0;
        for (; k < depth - 3; k += 4) {
            int aAt = a + k * aStep;
            int bAt = b + k * bStep;
            s0 += memory[aAt] * memory[bAt];
            s1 += memory[aAt + aStep] * memory[bAt + bStep];
            s2 += memory[aAt + 2 * aStep] * memory[bAt + 2 * bStep];
            s3 += memory[aAt + 3 * aStep] * memory[bAt + 3 * bStep];
        }
        for (; k < depth; k++) {
            s0 += memory[a + k * aStep] * memory[b + k * bStep];
        }
        return (s0 + s1) + (s2 + s3);
    }

    /** What becomes of one sum: shared by the plain and the tiled product. */
    static void store(
            float[] memory, int[] tables, int[] args, float[] factors, int slot, int c, int i, int j, float sum) {
        int cAt = c + i * args[slot + 8] + j;
        float value = factors[slot >> 3] * sum;
        if (args[slot + 10] != 0) {
            value += factors[(slot >> 3) + 1] * memory[cAt];
        }
        if (args[slot + 11] >= 0) {
            value += memory[args[slot + 11] + j];
        }
        int parts = args[slot + 19];
        for (int p = 0; p < parts; p++) {
            int part = args[slot + 20] + 4 * p;
            int column = j - tables[part];
            if (column >= 0 && column < tables[part + 1]) {
                int u = tables[part + 2] + i * args[slot + 22];
                int v = tables[part + 3] + column * args[slot + 25];
                float update = sumOfProducts(memory, u, args[slot + 23], v, args[slot + 24], args[slot + 21]);
                value += factors[(slot >> 3) + 2] * update;
            }
        }
        int residual = args[slot + 12];
        if (residual >= 0) {
            value += memory[residual + i * args[slot + 13] + j];
        }
        int besides = i * args[slot + 18] + j;
        int g = args[slot + 15];
        int f = args[slot + 16];
        int slope = f >= 0 ? 1 : 0;
        int gelu = g >= 0 ? 1 : 0;
        if (slope + gelu != 0) {
            float x = value;
            if (slope != 0) {
                x = memory[f + besides];
            }
            float y = KernelMath.geluOrSlope(x, args[slot + 14], slope);
            if (slope != 0) {
                value = value * y;
            } else {
                memory[g + besides] = y;
            }
        }
        if (args[slot + 17] != 0) {
            memory[cAt] = value;
        }
    }

    /** out ← out + Σ over rows of g. args: columns, rows, g, stride, out. */
    public static void columnSums(float[] memory, int[] tables, int[] args, float[] factors, int slot) {
        int columns = args[slot];
        int rows = args[slot + 1];
        int g = args[slot + 2];
        int stride = args[slot + 3];
        int out = args[slot + 4];
        for (@Parallel int j = 0; j < columns; j++) {
            float sum = 0f;
            for (int i = 0; i < rows; i++) {
                sum += memory[g + i * stride + j];
            }
            memory[out + j] = memory[out + j] + sum;
        }
    }
}
