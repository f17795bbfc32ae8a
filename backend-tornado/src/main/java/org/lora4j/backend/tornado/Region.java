package org.lora4j.backend.tornado;

import org.lora4j.tensor.MatrixView;

/**
 * What an operation reads or writes of the memory: {@code width} elements at {@code from}, and again every {@code stride}
 * elements, up to {@code to − 1}.
 */
record Region(int from, int to, int stride, int width) {

    /** A stretch without gaps. */
    Region(int from, int to) {
        this(from, to, Math.max(1, to - from), Math.max(1, to - from));
    }

    static Region of(Block block, long size) {
        return new Region(block.offset(), Math.toIntExact(block.offset() + size));
    }

    static Region of(MatrixView view) {
        int start = Block.offset(view);
        if (view.storedRows() == 0 || view.storedColumns() == 0) {
            return new Region(start, start);
        }
        int end = Math.toIntExact(start + (view.storedRows() - 1L) * view.rowStride() + view.storedColumns());
        return new Region(start, end, view.rowStride(), view.storedColumns());
    }

    /** Whether they may have an element in common; views of one stride may lie between each other's columns and have none. */
    boolean overlaps(Region other) {
        if (from >= other.to || other.from >= to) {
            return false;
        }
        if (stride != other.stride) {
            return true;
        }
        int shift = Math.floorMod(other.from - from, stride);
        return shift < width || shift + other.width > stride;
    }

    boolean contains(Region other) {
        return from <= other.from && other.to <= to;
    }
}
