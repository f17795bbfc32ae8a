package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.Gemm.DEPTH;
import static org.lora4j.backend.cpu.Gemm.LANES;

import java.util.Arrays;

/**
 * Copies of parts of a matrix in the order in which {@link Tiles} reads them.
 *
 * <p>A <em>k-major</em> panel of width w holds w rows of a or columns of b side by side: element (i, p) is at
 * {@code p·w + i}, so that one step of k reads one contiguous piece. What it has too much at the edge of the matrix is
 * zero. A <em>row panel</em> holds rows of a one after the other at the fixed distance {@link Gemm#DEPTH}.
 */
final class Panels {

    private Panels() {
    }

    /**
     * A k-major panel from lines that run along k: panel[p·width + i] ← src[from + i·stride + p] for i &lt; lines.
     */
    static void transpose(float[] src, int from, int stride, int lines, int depth, float[] panel, int to, int width) {
        if (lines < width) {
            Arrays.fill(panel, to, to + depth * width, 0);
        }
        for (int p0 = 0; p0 < depth; p0 += LANES) {
            int steps = Math.min(LANES, depth - p0);
            for (int i = 0; i < lines; i++) {
                int read = from + i * stride + p0;
                int write = to + p0 * width + i;
                for (int p = 0; p < steps; p++) {
                    panel[write + p * width] = src[read + p];
                }
            }
        }
    }

    /** A k-major panel from lines that run across k: panel[p·width + i] ← src[from + p·stride + i] for i &lt; lines. */
    static void copy(float[] src, int from, int stride, int lines, int depth, float[] panel, int width) {
        for (int p = 0; p < depth; p++) {
            int at = p * width;
            System.arraycopy(src, from + p * stride, panel, at, lines);
            Arrays.fill(panel, at + lines, at + width, 0);
        }
    }

    /** A row panel: panel[to + i·DEPTH + p] ← src[from + i·stride + p] for i &lt; rows; further rows are left as they are. */
    static void rows(float[] src, int from, int stride, int rows, int depth, float[] panel, int to) {
        for (int i = 0; i < rows; i++) {
            System.arraycopy(src, from + i * stride, panel, to + i * DEPTH, depth);
        }
    }
}
