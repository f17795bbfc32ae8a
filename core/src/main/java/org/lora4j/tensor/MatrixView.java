package org.lora4j.tensor;

/**
 * A rectangle of a tensor's memory, possibly read as its transpose. Element (i, j) of the stored rectangle is at
 * {@code offset + i·rowStride + j}; columns are always contiguous.
 *
 * <p>{@link #storedRows()} and {@link #storedColumns()} are the rectangle as it lies in memory; {@link #rows()} and
 * {@link #columns()} are the matrix as the operation sees it, which is the other way round after {@link #t()}.
 *
 * @param tensor        whose memory this looks at
 * @param offset        index of the first element in the tensor's buffer
 * @param storedRows    rows in memory
 * @param storedColumns columns in memory
 * @param rowStride     distance in elements between the beginnings of two stored rows, at least {@code storedColumns}
 * @param transposed    whether the operation reads the transpose
 */
public record MatrixView(
        Tensor tensor, long offset, int storedRows, int storedColumns, int rowStride, boolean transposed) {

    /** Requires that the rows lie within the tensor. */
    public MatrixView {
        if (offset < 0 || storedRows < 0 || storedColumns < 0 || rowStride < storedColumns
                || storedRows > 0 && offset + (storedRows - 1L) * rowStride + storedColumns > tensor.size()) {
            throw new IllegalArgumentException("a view of " + storedRows + " rows × " + storedColumns + " columns, stride "
                    + rowStride + ", from element " + offset + " does not lie inside " + tensor);
        }
    }

    /** The rows the operation sees. */
    public int rows() {
        return transposed ? storedColumns : storedRows;
    }

    /** The columns the operation sees. */
    public int columns() {
        return transposed ? storedRows : storedColumns;
    }

    /** The transpose, without a copy. */
    public MatrixView t() {
        return new MatrixView(tensor, offset, storedRows, storedColumns, rowStride, !transposed);
    }

    /** The rows {@code from} to {@code from + count − 1} of an untransposed view. */
    public MatrixView rows(int from, int count) {
        requireStoredOrder();
        return new MatrixView(tensor, offset + (long) from * rowStride, count, storedColumns, rowStride, false);
    }

    /** The columns {@code from} to {@code from + count − 1} of an untransposed view. */
    public MatrixView columns(int from, int count) {
        requireStoredOrder();
        if (from < 0 || count < 0 || from + count > storedColumns) {
            throw new IllegalArgumentException(
                    "columns " + from + " to " + (from + count - 1) + " asked of a view with " + storedColumns);
        }
        return new MatrixView(tensor, offset + from, storedRows, count, rowStride, false);
    }

    private void requireStoredOrder() {
        if (transposed) {
            throw new IllegalArgumentException("cut a view before transposing it");
        }
    }

    /** Shape as the operation sees it, for messages: {@code (8, 768)} or {@code (768, 8)ᵀ}. */
    @Override
    public String toString() {
        return "(" + storedRows + ", " + storedColumns + ")" + (transposed ? "ᵀ" : "");
    }
}
