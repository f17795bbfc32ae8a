package org.lora4j.backend.tornado;

import org.lora4j.tensor.MatrixView;

/**
 * A stretch of the memory that an operation reads or writes, {@code from} to {@code to − 1}. A view's region reaches from
 * its first element to its last, so two views between each other's columns count as overlapping: that is the safe side.
 */
record Region(int from, int to) {

    static Region of(Block block, long size) {
        return new Region(block.offset(), Math.toIntExact(block.offset() + size));
    }

    static Region of(MatrixView view) {
        int start = Block.offset(view);
        if (view.storedRows() == 0 || view.storedColumns() == 0) {
            return new Region(start, start);
        }
        return new Region(start, Math.toIntExact(start + (view.storedRows() - 1L) * view.rowStride() + view.storedColumns()));
    }

    boolean overlaps(Region other) {
        return from < other.to && other.from < to;
    }

    boolean contains(Region other) {
        return from <= other.from && other.to <= to;
    }
}
