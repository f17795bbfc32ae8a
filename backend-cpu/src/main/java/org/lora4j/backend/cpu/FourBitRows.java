package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Optional;
import jdk.incubator.vector.FloatVector;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.backend.cpu.Scratch.Slot;
import org.lora4j.tensor.Buffer;

/** {@link FourBitWeights} as rows that products expand: of a file that has them, or made of floats once they are all there. */
final class FourBitRows extends CompressedWeights {

    private FourBitWeights weights;
    private FourBitWeights.Builder building;

    /** Made of floats, which come in blocks of {@link FourBitWeights#BLOCK}. */
    FourBitRows(int rows, int columns) {
        super(rows, columns);
        building = new FourBitWeights.Builder((long) rows * columns);
    }

    FourBitRows(int rows, int columns, FourBitWeights weights) {
        super(rows, columns);
        this.weights = weights;
    }

    @Override
    public Optional<Buffer> another() {
        return Optional.of(new FourBitRows(rows, columns));
    }

    @Override
    void store(float[] src, int from, int firstRow, int rowCount) {
        if (building == null) {
            throw new IllegalStateException("weights in four bits are written once, before they are read");
        }
        building.put(src, from, (long) firstRow * columns, rowCount * columns);
    }

    private FourBitWeights weights() {
        if (weights == null) {
            weights = building.build();
            building = null;
        }
        return weights;
    }

    @Override
    void freeze() {
        weights();
    }

    @Override
    int paddedColumns() {
        return AttentionPanels.roundUp(columns, LANES);
    }

    @Override
    void expand(int firstRow, int rowCount, float[] dst, int to, int dstStride) {
        for (int i = 0; i < rowCount; i++) {
            weights().expand((long) (firstRow + i) * columns, dst, to + i * dstStride, columns);
        }
    }

    @Override
    float dot(int row, float[] x, int xOffset) {
        int padded = paddedColumns();
        float[] w = Scratch.local().floats(Slot.WEIGHTS, padded);
        weights().expand((long) row * columns, w, 0, columns);
        for (int i = columns; i < padded; i++) {
            w[i] = 0;
        }
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = s0;
        int i = 0;
        for (; i + 2 * LANES <= padded; i += 2 * LANES) {
            s0 = FloatVector.fromArray(SPECIES, w, i).fma(FloatVector.fromArray(SPECIES, x, xOffset + i), s0);
            s1 = FloatVector.fromArray(SPECIES, w, i + LANES).fma(FloatVector.fromArray(SPECIES, x, xOffset + i + LANES), s1);
        }
        if (i < padded) {
            s0 = FloatVector.fromArray(SPECIES, w, i).fma(FloatVector.fromArray(SPECIES, x, xOffset + i), s0);
        }
        return VectorMath.sum(s0.add(s1));
    }
}
