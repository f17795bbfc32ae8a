package org.lora4j.nn;

import java.util.Arrays;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The rows of a pass that are padding, for models that keep them at zero:
 *
 * <pre>
 *   x[n] ← mask[n]·x[n]          x: (N, C)   mask: 1 for a token, 0 for padding; backward is the same
 * </pre>
 */
public final class PaddingRows {

    private final Tensor kept;

    /**
     * Which rows are padding.
     *
     * @param mask  N ones and zeros
     * @param width C
     */
    public PaddingRows(int[] mask, int width, Workspace ws) {
        Backend backend = ws.backend();
        IntTensor rows = ws.ints(PaddingRows.class, "mask", Arrays.stream(mask).map(m -> m == 0 ? 0 : 1).toArray());
        Tensor both = ws.block(PaddingRows.class, "both", 2, width);
        backend.fill(both, 0);
        backend.fill(ws.block(PaddingRows.class, "one", 1, width), 1);
        backend.copy(ws.block(PaddingRows.class, "one", 1, width).matrix(), both.rows(1, 1));
        kept = ws.tensor(PaddingRows.class, "kept", mask.length, width);
        backend.gatherRows(both, rows, kept, 0);
    }

    /** x ← 0 in the rows of padding. */
    public void clear(Tensor x, Workspace ws) {
        ws.backend().multiply(x, kept.as(Shape.of(x.rows(), x.columns())), x);
    }
}
