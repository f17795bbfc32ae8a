package org.lora4j.family;

import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * What a {@link SequenceBody} made of a batch, with all that its backward asks for:
 *
 * <pre>
 *   c[b] = h[chosen[b]]          h: (B·T, C)   c: (B, C)          ∂L/∂h[chosen[b]] = ∂L/∂c[b], and 0 elsewhere
 * </pre>
 *
 * @param rows      c
 * @param whole     the batch, behind what a method puts before its first position
 * @param sequences the same for attention
 * @param chosen    (B), the row of h that stands for each sequence
 */
public record Representation(Tensor rows, Batch whole, Sequences sequences, IntTensor chosen) {

    /** Chooses rows of h, which is only read. */
    public static Representation of(Tensor h, Batch whole, Sequences sequences, int[] chosen, Workspace ws) {
        Backend backend = ws.backend();
        IntTensor numbers = ws.ints(Representation.class, "chosen", chosen);
        Tensor rows = ws.block(Representation.class, "rows", chosen.length, h.columns());
        backend.gatherRows(h, numbers, rows, 0);
        return new Representation(rows, whole, sequences, numbers);
    }

    /**
     * Of rows that the last block has chosen already, where the sequences say so; else chooses them of h.
     *
     * @param x what the last block gave
     */
    public static Representation behind(Tensor x, Batch whole, Sequences sequences, int[] chosen, Workspace ws) {
        return sequences.read() == null ? of(x, whole, sequences, chosen, ws)
                : new Representation(x, whole, sequences, sequences.read().rows());
    }

    /** ∂L/∂h, in scratch memory. */
    public Tensor spread(Tensor dc, Workspace ws) {
        Tensor dh = ws.scratch("dh", sequences.rows(), dc.columns());
        spread(dc, dh, ws);
        return dh;
    }

    /**
     * The derivative by what the last block gave, which may be written over: ∂L/∂c, or spread over all rows.
     *
     * @param g (B·T, C); written where it is what is returned
     */
    public Tensor topGradient(Tensor dc, Tensor g, Workspace ws) {
        if (sequences.read() == null) {
            spread(dc, g, ws);
            return g;
        }
        Tensor top = ws.scratch("read.g", dc.rows(), dc.columns());
        ws.backend().copy(dc.matrix(), top.matrix());
        return top;
    }

    /**
     * Takes the gradient of each sequence's vector back to the rows that it was made of.
     *
     * @param dh ∂L/∂h; written
     */
    public void spread(Tensor dc, Tensor dh, Workspace ws) {
        ws.backend().fill(dh, 0);
        ws.backend().scatterAddRows(dc, chosen, dh);
    }
}
