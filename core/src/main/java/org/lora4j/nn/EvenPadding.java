package org.lora4j.nn;

import java.util.Arrays;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

/**
 * What attention gives a position of padding where a model hides queries as well as keys. All of its scores are equally low
 * then, and softmax makes equal weights of them, for padding too:
 *
 * <pre>
 *   y[n] ← (1/T)·Σ over s of v[s]          for a row n of padding; T positions in its sequence
 *
 *   dv[s] += (1/T)·Σ over such n of dy[n]
 * </pre>
 *
 * <p>Nobody sees these rows, so they are left as they are as long as a sequence begins with a token. Where the padding is on
 * the left, a model that takes its answer from the first position takes it from one of them. Dropout of attention's weights
 * does not fall here.
 *
 * <p>It is a note in the pass's workspace, which {@link SelfAttention} looks up.
 */
public final class EvenPadding {

    private final int batch;
    private final int length;
    private final PaddingRows padding;
    /** For each row of padding its sequence, for others a row of zeros behind all sequences. */
    private final IntTensor sequenceOrNone;
    private final IntTensor sequence;

    private EvenPadding(int[] mask, int batch, PaddingRows padding, Workspace ws) {
        this.batch = batch;
        this.padding = padding;
        length = mask.length / batch;
        sequence = ws.ints(EvenPadding.class, "sequence", mask.length);
        sequenceOrNone = ws.ints(EvenPadding.class, "sequenceOrNone", mask.length);
        int[] numbers = new int[mask.length];
        Arrays.setAll(numbers, row -> row / length);
        ws.backend().upload(numbers, 0, sequence, numbers.length);
        Arrays.setAll(numbers, row -> mask[row] == 0 ? row / length : batch);
        ws.backend().upload(numbers, 0, sequenceOrNone, numbers.length);
    }

    /**
     * Begins a pass: notes whether attention has to do this.
     *
     * @param mask    (B, T)
     * @param padding of the same mask, as wide as attention
     */
    public static void begin(int[] mask, int batch, PaddingRows padding, Workspace ws) {
        int length = mask.length / batch;
        boolean seen = false;
        for (int b = 0; b < batch; b++) {
            seen |= mask[b * length] == 0;
        }
        ws.note(EvenPadding.class, seen ? new EvenPadding(mask, batch, padding, ws) : null);
    }

    /** Begins a pass without padding. */
    public static void none(Workspace ws) {
        ws.note(EvenPadding.class, null);
    }

    /** @param y what attention gave; written in the rows of padding */
    void forward(MatrixView v, Tensor y, Workspace ws) {
        Backend backend = ws.backend();
        padding.clear(y, ws);
        Tensor ones = ws.block(this.getClass(), "ones", 1, length);
        backend.fill(ones, 1);
        Tensor means = ws.scratch("padding.means", batch + 1, y.columns());
        backend.fill(means, 0);
        for (int b = 0; b < batch; b++) {
            backend.matmul(ones.matrix(), v.rows(b * length, length), means.rows(b, 1), 1.0 / length, 0);
        }
        backend.gatherRows(means, sequenceOrNone, y, 1);
    }

    /** dy without the rows of padding, for attention's own backward. */
    Tensor tokens(Tensor dy, Workspace ws) {
        Tensor others = ws.scratch("padding.dtokens", dy.rows(), dy.columns());
        ws.backend().copy(dy.matrix(), others.matrix());
        padding.clear(others, ws);
        return others;
    }

    /** @param dv added to */
    void backward(Tensor dy, MatrixView dv, Workspace ws) {
        Backend backend = ws.backend();
        Tensor sums = ws.scratch("padding.means", batch + 1, dy.columns());
        backend.fill(sums, 0);
        backend.scatterAddRows(dy, sequenceOrNone, sums);
        Tensor share = ws.scratch("padding.dtokens", dy.rows(), dy.columns());
        backend.gatherRows(sums, sequence, share, 0);
        backend.add(share.matrix(), dv, 1.0 / length);
    }
}
