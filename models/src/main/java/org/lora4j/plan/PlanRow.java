package org.lora4j.plan;

import java.util.EnumMap;
import java.util.Map;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.tuning.Tuning;

/**
 * One row of a plan: a method on a model, and the bytes of each term of its step.
 *
 * @param name   of the method
 * @param memory in numbers
 * @param bytes  of each term, in the order of {@link Term}
 */
public record PlanRow(String name, StepMemory memory, Map<Term, Long> bytes) {

    /**
     * What Java holds besides tensors, as the launcher starts it: 64 MiB for objects that die young, classes and compiled code,
     * stacks, the backend's blocks of operands. Measured, on Linux with two threads.
     */
    private static final long JAVA_BYTES = 195L << 20;
    /** And of its heap: the collector's tables, large pages that are not full. Measured too: one part in so many. */
    private static final int HEAP_SHARE = 16;

    /** Values, two moments and the best values so far, in float32: what a checkpoint of training has of each number. */
    private static final int OF_CHECKPOINT = 4 * Float.BYTES;

    /** Keeps its own copy. */
    public PlanRow {
        bytes = new EnumMap<>(bytes);
    }

    /**
     * A row from what a step holds, with each number in its type.
     *
     * @param name    of the method
     * @param besides numbers that a backend holds in layouts of its own; these and Java are no part of a plan for other software
     */
    public static PlanRow of(String name, StepMemory memory, NumberTypes types, long besides) {
        Map<Term, Long> bytes = new EnumMap<>(Term.class);
        bytes.put(Term.WEIGHTS, memory.base().bytes().get(types.base()));
        bytes.put(Term.TRAINED, types.trained() * memory.trained().values());
        bytes.put(Term.GRADIENTS, types.trained() * memory.trained().gradients());
        bytes.put(Term.MOMENTS, types.moments() * types.moment() * memory.trained().numbers());
        bytes.put(Term.ACTIVATIONS, Float.BYTES * memory.pass().activations());
        bytes.put(Term.SCRATCH, Float.BYTES * memory.pass().scratch());
        bytes.put(Term.LOGITS, Float.BYTES * memory.pass().logits());
        bytes.put(Term.LAYOUTS, types.areOurs() ? Float.BYTES * besides : 0);
        long tensors = bytes.values().stream().mapToLong(Long::longValue).sum();
        bytes.put(Term.JAVA, types.areOurs() ? JAVA_BYTES + tensors / HEAP_SHARE : 0);
        return new PlanRow(name, memory, bytes);
    }

    /** All terms together. */
    public long total() {
        return bytes.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Bytes of the tensors that are saved, in float32: the adapter, or the whole model. */
    public long fileBytes() {
        return Float.BYTES * (memory.saved() == Tuning.Saved.ADAPTER ? memory.trained().numbers() : memory.base().numbers());
    }

    /** Bytes of the tensors of a checkpoint, from which training goes on. */
    public long checkpointBytes() {
        return OF_CHECKPOINT * memory.trained().numbers();
    }

    /** Bytes of keys and values of so many positions, while a model writes: no part of a step of training. */
    public static long keyValueBytes(ModelSizes sizes, long positions) {
        return KeyValuePool.bytesPerPosition(sizes.blocks(), sizes.keyWidth()) * positions;
    }
}
