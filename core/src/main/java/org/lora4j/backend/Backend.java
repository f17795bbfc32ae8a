package org.lora4j.backend;

import java.util.Map;

/**
 * What a machine must be able to do to train and run the models of this project: some 25 operations on tensors, each
 * forward beside its backward. The interfaces it extends are their contract, a chapter for each family; an implementation
 * says only what is particular to it, its blocking, its order of summation, its error.
 *
 * <p>Common to all:
 * <ul>
 *   <li>Only what is called <em>written</em> or <em>added to</em> is modified; everything else is read.
 *   <li>A written operand must not overlap a read one unless the operation says so.
 *   <li>Operands belong to this backend; one of another backend is an {@link IllegalArgumentException}.
 *   <li>Shapes that do not fit are a {@link ShapeMismatchException} that holds them as passed.
 *   <li>N is a number of rows, usually B·T; C a number of features, V the vocabulary's size.
 *   <li>An operation may be carried out later, but before {@code read} and the reductions return.
 * </ul>
 *
 * <p>A backend is used by one thread at a time; threads may take turns. Inside, it uses as many as its options say.
 */
public interface Backend extends TensorMemory, ElementwiseOperations, ColumnOperations, ProductOperations, NormOperations,
        AttentionOperations, RotaryOperations, EmbeddingOperations, LossOperations, UpdateOperations, AutoCloseable {

    /** One line for logs and {@code doctor}: what it runs on. */
    String describe();

    /** What this backend has done so far, counted by name, such as kernels run: for benchmarks. Empty if it counts nothing. */
    default Map<String, Long> counters() {
        return Map.of();
    }

    /** Gives back threads and device memory. Idempotent. */
    @Override
    void close();
}
