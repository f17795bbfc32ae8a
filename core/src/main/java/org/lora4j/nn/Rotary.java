package org.lora4j.nn;

import org.lora4j.backend.Backend;
import org.lora4j.backend.Rotation;
import org.lora4j.tensor.Tensor;

/**
 * Rotary embeddings (Su et al. 2021): the pair of features i and i + half of every head of q and k turns by an angle that grows
 * with the position, so that q·k depends on the distance of the two.
 *
 * <pre>
 *   [a b] ← [a·cos θ − b·sin θ, b·cos θ + a·sin θ]·m          θ = position·frequency_i      i = 0 … half − 1
 *
 *   ∂L/∂[a b] is turned by −θ, times m
 * </pre>
 *
 * <p>A frequency is a float, as Transformers keeps it. The angles of a pass are made once for all blocks, by {@link #begin}.
 */
public final class Rotary implements Positioning {

    /** The frequencies of a sequence of some length. */
    @FunctionalInterface
    public interface Frequencies {

        /** half of them, for a sequence of so many positions. */
        float[] of(int length);
    }

    private final Frequencies frequencies;
    private final int headSize;
    private final double factor;

    /**
     * Turns heads by these frequencies.
     *
     * @param headSize columns of a head, of which the first 2·half turn
     * @param factor   m, what cosines and sines are multiplied with
     */
    public Rotary(Frequencies frequencies, int headSize, double factor) {
        this.frequencies = frequencies;
        this.headSize = headSize;
        this.factor = factor;
    }

    /**
     * Makes the angles of a pass.
     *
     * @param positions the position of each row: 0, 1, … of whole sequences one behind the other, or one of each that goes on
     */
    public void begin(int[] positions, Workspace ws) {
        int half = half();
        double[] cosines = new double[positions.length * half];
        double[] sines = new double[positions.length * half];
        int before = -1;
        int length = 0;
        for (int from = 0; from < positions.length; from += length) {
            int same = before >= 0 ? length : 0;
            length = length(positions, from);
            if (same == length && positions[before] == positions[from]) { // one sequence's angles are those of another as long
                System.arraycopy(cosines, before * half, cosines, from * half, length * half);
                System.arraycopy(sines, before * half, sines, from * half, length * half);
            } else {
                fill(positions, from, from + length, cosines, sines);
            }
            before = from;
        }
        Backend backend = ws.backend();
        backend.upload(cosines, 0, table("cosines", positions.length, ws), 0, cosines.length);
        backend.upload(sines, 0, table("sines", positions.length, ws), 0, sines.length);
    }

    private void fill(int[] positions, int from, int to, double[] cosines, double[] sines) {
        float[] frequency = frequencies.of(positions[to - 1] + 1);
        for (int n = from; n < to; n++) {
            for (int i = 0; i < frequency.length; i++) {
                double angle = positions[n] * (double) frequency[i];
                cosines[n * frequency.length + i] = factor * Math.cos(angle);
                sines[n * frequency.length + i] = factor * Math.sin(angle);
            }
        }
    }

    /** How many rows the sequence that begins in row {@code from} has. */
    private static int length(int[] positions, int from) {
        int to = from + 1;
        while (positions[from] == 0 && to < positions.length && positions[to] == positions[to - 1] + 1) {
            to++;
        }
        return to - from;
    }

    private int half() {
        return frequencies.of(1).length;
    }

    private Tensor table(String name, int rows, Workspace ws) {
        return ws.tensor(this, name, rows, half());
    }

    @Override
    public void forward(QueriesKeysValues in, Context context, Workspace ws) {
        Rotation rotation = rotation(in.q().rows(), ws);
        ws.backend().rotate(in.q(), rotation);
        ws.backend().rotate(in.k(), rotation);
    }

    @Override
    public void backward(QueriesKeysValues gradient, Sequences sequences, Workspace ws) {
        Rotation rotation = rotation(gradient.q().rows(), ws);
        ws.backend().rotateBackward(gradient.q(), rotation);
        ws.backend().rotateBackward(gradient.k(), rotation);
    }

    private Rotation rotation(int rows, Workspace ws) {
        return new Rotation(table("cosines", rows, ws), table("sines", rows, ws), headSize);
    }
}
