package org.lora4j.backend.cpu;

import static org.lora4j.backend.cpu.VectorMath.LANES;
import static org.lora4j.backend.cpu.VectorMath.SPECIES;

import java.util.Arrays;
import java.util.Optional;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.backend.cpu.Scratch.Slot;
import org.lora4j.tensor.Buffer;

/** {@link FourBitWeights} as rows that products expand: of a file that has them, or made of floats once they are all there. */
final class FourBitRows extends CompressedWeights {

    /** Codes of an int. */
    private static final int CODES = 8;
    private static final int TABLE = 16;
    /** Codes of a vector of ints. */
    private static final int GROUP = CODES * LANES;
    /** Codes that share a scale at least, where they are taken apart as vectors: half a group of the widest vectors. */
    private static final int HALF = FourBitWeights.BLOCK;
    private static final VectorSpecies<Byte> BYTES = VectorSpecies.of(byte.class, SPECIES.vectorShape());
    private static final VectorMask<Byte> FIRST_BYTES = BYTES.indexInRange(0, HALF / 2);
    private static final VectorMask<Float> SECOND_HALF = SPECIES.indexInRange(0, HALF / CODES).not();

    private FourBitWeights weights;
    /** The sixteen numbers' bits. */
    private int[] table;
    private FourBitWeights.Builder building;

    /** Made of floats, which come in blocks of {@link FourBitWeights#BLOCK}. */
    FourBitRows(int rows, int columns) {
        super(rows, columns);
        building = new FourBitWeights.Builder((long) rows * columns);
    }

    FourBitRows(int rows, int columns, FourBitWeights weights) {
        super(rows, columns);
        use(weights);
    }

    private void use(FourBitWeights weights) {
        this.weights = weights;
        table = new int[TABLE];
        Arrays.setAll(table, code -> Float.floatToRawIntBits(weights.table()[code]));
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
            use(building.build());
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
        return AttentionPanels.roundUp(columns, suits() ? GROUP : LANES);
    }

    @Override
    void expand(int firstRow, int rowCount, float[] dst, int to, int dstStride) {
        for (int i = 0; i < rowCount; i++) {
            weights().expand((long) (firstRow + i) * columns, dst, to + i * dstStride, columns);
        }
    }

    /** Any column can be the first: rows are not padded. */
    @Override
    int group() {
        return 1;
    }

    @Override
    void expandGroups(int row, int from, int to, float[] dst, int at) {
        weights().expand((long) row * columns + from, dst, at, to - from);
    }

    @Override
    void expandPanel(int row, int rowCount, int column, float[] panel, int at) {
        int width = Math.min(Gemm.COLUMNS, columns - column);
        for (int p = 0; p < rowCount; p++) {
            int to = at + p * Gemm.COLUMNS;
            weights().expand((long) (row + p) * columns + column, panel, to, width);
            Arrays.fill(panel, to + width, to + Gemm.COLUMNS, 0);
        }
    }

    // ------------------------------------------------------------------------------------------------ few rows of x

    /** Whether rows begin with a block and every lane's codes share a scale. */
    private boolean suits() {
        return LANES > 4 && columns % HALF == 0 && weights().block() % HALF == 0;
    }

    /**
     * An int has the codes of eight columns that follow each other, so lane l of the vectors that a group is taken apart into
     * has columns 8·l … 8·l + 7: x is laid out to meet them, a vector for each of the eight.
     */
    @Override
    void layOut(float[] a, int from, float[] x, int to) {
        if (!suits()) {
            super.layOut(a, from, x, to);
            return;
        }
        for (int group = 0; group < columns; group += GROUP) {
            int lanes = Math.min(LANES, (columns - group) / CODES);
            for (int code = 0; code < CODES; code++) {
                int at = to + group + code * LANES;
                for (int lane = 0; lane < lanes; lane++) {
                    x[at + lane] = a[from + group + CODES * lane + code];
                }
                Arrays.fill(x, at + lanes, at + LANES, 0);
            }
        }
    }

    @Override
    void fourDots(int row, int step, float[] x, int xOffset, float[] sums, int to) {
        for (int i = 0; i < 4; i++) {
            if (suits()) {
                dotOfCodes((long) (row + i * step) * columns, x, xOffset, sums, to + 4 * i * LANES);
            } else {
                dotOfFloats(row + i * step, x, xOffset, sums, to + 4 * i * LANES);
            }
        }
    }

    @Override
    boolean hasUnits() {
        return false;
    }

    /** Σ over groups of scale·Σ table[code]·x, the scale being that of the lane's block. */
    private void dotOfCodes(long first, float[] x, int xOffset, float[] sums, int to) {
        FourBitWeights from = weights();
        byte[] codes = from.codes();
        int block = from.block();
        IntVector low = IntVector.fromArray(INTS, table, 0);
        IntVector high = IntVector.fromArray(INTS, table, TABLE - LANES);
        FloatVector even = FloatVector.zero(SPECIES);
        FloatVector odd = even;
        int group = 0;
        for (; group + GROUP <= columns; group += GROUP) {
            IntVector eight = ByteVector.fromArray(BYTES, codes, (int) (first + group >> 1)).reinterpretAsInts();
            FloatVector scale = FloatVector.broadcast(SPECIES, from.scale((int) ((first + group) / block)));
            if (GROUP > HALF) {
                scale = scale.blend(from.scale((int) ((first + group + HALF) / block)), SECOND_HALF);
            }
            int at = xOffset + group;
            even = products(eight, low, high, x, at).fma(scale, even);
            odd = products(eight.lanewise(VectorOperators.LSHR, 16), low, high, x, at + 4 * LANES).fma(scale, odd);
        }
        if (group < columns) { // half a group
            IntVector eight = ByteVector.fromArray(BYTES, codes, (int) (first + group >> 1), FIRST_BYTES).reinterpretAsInts();
            float scale = from.scale((int) ((first + group) / block));
            int at = xOffset + group; // x is 0 where there are no columns
            even = products(eight, low, high, x, at).fma(FloatVector.broadcast(SPECIES, scale), even);
            odd = products(eight.lanewise(VectorOperators.LSHR, 16), low, high, x, at + 4 * LANES)
                    .fma(FloatVector.broadcast(SPECIES, scale), odd);
        }
        even.add(odd).intoArray(sums, to);
    }

    /** Of the lowest four codes of each lane: the first is in the upper half of the lowest byte. */
    private static FloatVector products(IntVector eight, IntVector low, IntVector high, float[] x, int at) {
        FloatVector first = numbers(eight.lanewise(VectorOperators.LSHR, 4), low, high).mul(FloatVector.fromArray(SPECIES, x, at));
        FloatVector third = numbers(eight.lanewise(VectorOperators.LSHR, 12), low, high)
                .mul(FloatVector.fromArray(SPECIES, x, at + 2 * LANES));
        first = numbers(eight, low, high).fma(FloatVector.fromArray(SPECIES, x, at + LANES), first);
        third = numbers(eight.lanewise(VectorOperators.LSHR, 8), low, high)
                .fma(FloatVector.fromArray(SPECIES, x, at + 3 * LANES), third);
        return first.add(third);
    }

    /** table[code], the code being the lowest four bits. */
    private static FloatVector numbers(IntVector codes, IntVector low, IntVector high) {
        IntVector code = codes.and(TABLE - 1);
        return (LANES == TABLE ? code.selectFrom(low) : code.selectFrom(low, high)).reinterpretAsFloats();
    }

    /** Where rows do not begin with blocks. */
    private void dotOfFloats(int row, float[] x, int xOffset, float[] sums, int to) {
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
        s0.add(s1).intoArray(sums, to);
    }
}
