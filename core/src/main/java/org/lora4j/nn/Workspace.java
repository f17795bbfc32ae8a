package org.lora4j.nn;

import com.google.common.collect.HashMultiset;
import com.google.common.collect.Multiset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The memory of one forward and backward pass: activations that backward will read, and scratch that is shared between
 * layers. It is laid out by the first pass and reused by all that follow, whatever their batch and length, so a training
 * step after the first allocates no tensor.
 *
 * <p>A layer asks for a tensor by naming itself and a word, and gets the same memory each time. Memory has room for
 * {@code maxTokens} rows however few the first pass asks for, since what a pass asks for need not grow with its tokens:
 * the rows of the loss are as many as there are targets. A pass that needs more grows it.
 *
 * <p>Where activations are recomputed ({@link #recomputing}), what a block of the model asks for between {@link #enter} and
 * {@link #leave} is the same memory for every block. Backward then runs the forward of each block once more from its
 * input, which is all that is kept of it (Chen et al. 2016, <i>Training Deep Nets with Sublinear Memory Cost</i>). Dropout's
 * masks are a function of the step and the place, so the second forward gives the bits of the first.
 *
 * <p>One workspace serves one pass at a time; passes in parallel each have their own.
 */
public final class Workspace {

    private static final Object SCRATCH = new Object();
    /** An odd number whose multiples are far apart, so that no piece's site is another place's. */
    private static final int PIECE = 0x9E3779B1;

    private final Backend backend;
    private final boolean training;
    private final boolean dropping;
    private final long maxTokens;
    private final long seed;
    private final boolean recomputing;
    private final Map<Object, Map<String, Memory>> memories = new IdentityHashMap<>();
    private final Map<Object, Tensor> inputs = new IdentityHashMap<>();
    private final Map<Class<?>, Object> notes = new IdentityHashMap<>();
    /** By name, the memory that all blocks share: each block gets the n-th of a list the n-th time it asks for that name. */
    private final Map<String, List<Memory>> shared = new HashMap<>();
    /** How often each block has asked for a name. */
    private final Map<Object, Multiset<String>> taken = new IdentityHashMap<>();
    /** The block that asks; null outside. */
    private @Nullable Object inside;
    /** The block whose activations are in the shared memory. */
    private @Nullable Object held;
    private long tokens = 1;
    /** What asks for so many rows is laid out for no more. */
    private int few;
    private long step;
    private int piece;
    private @Nullable Tap tap;

    private Workspace(Backend backend, boolean training, boolean dropping, long maxTokens, long seed, boolean recomputing) {
        this.backend = backend;
        this.training = training;
        this.dropping = dropping;
        this.maxTokens = maxTokens;
        this.seed = seed;
        this.recomputing = recomputing;
    }

    /**
     * A workspace whose passes keep what backward needs and where dropout drops.
     *
     * @param maxTokens B·T of the largest batch that is to come; larger ones work too, but allocate again
     * @param seed      of dropout
     */
    public static Workspace forTraining(Backend backend, long maxTokens, long seed) {
        return new Workspace(backend, true, true, maxTokens, seed, false);
    }

    /** A workspace whose passes keep what backward needs and where nothing drops: for auditing gradients. */
    public static Workspace forGradients(Backend backend, long maxTokens) {
        return new Workspace(backend, true, false, maxTokens, 0, false);
    }

    /** A workspace for passes without backward and without dropout. */
    public static Workspace forInference(Backend backend, long maxTokens) {
        return new Workspace(backend, false, false, maxTokens, 0, false);
    }

    /** A workspace like this one, without its memory, whose passes make activations again instead of keeping them. */
    public Workspace recomputing() {
        return new Workspace(backend, training, dropping, maxTokens, seed, true);
    }

    /** Where its tensors live. */
    public Backend backend() {
        return backend;
    }

    /** Whether a backward follows. */
    public boolean training() {
        return training;
    }

    /** Whether dropout drops. */
    public boolean dropping() {
        return dropping;
    }

    /**
     * Begins a pass.
     *
     * @param tokens B·T of this pass
     * @param step   a number that no other pass of this run has: dropout's masks depend on it
     */
    public void begin(long tokens, long step) {
        this.tokens = Math.max(1, tokens);
        this.step = step;
        piece = 0;
        inside = null;
        held = null;
        few = 0;
    }

    /** Says that until the next pass what is asked for with so many rows is one row for each sequence, and never one for each token. */
    void expectRows(int rows) {
        few = rows;
    }

    private long room(int rows) {
        return rows == few ? rows : maxTokens;
    }

    /** Whether somebody looks at what the layers give, and so wants all of it. */
    public boolean watched() {
        return tap != null;
    }

    /**
     * From here to {@link #leave}, {@code block} asks for memory of its forward. Where activations are recomputed, that
     * overwrites those of the block before.
     */
    public void enter(Object block) {
        inside = block;
        held = block;
    }

    /** Ends {@link #enter}. */
    public void leave() {
        inside = null;
    }

    /** Whether blocks' activations are made again for backward instead of kept. */
    public boolean recomputes() {
        return recomputing;
    }

    /** Whether the activations of {@code block}'s forward are still there; if not, it has to run again. */
    public boolean holds(Object block) {
        return !recomputing || held == block;
    }

    /** From now on {@code tap} is shown what passes compute; null for none, as at first. */
    public void watch(@Nullable Tap tap) {
        this.tap = tap;
    }

    /** For layers: shows the tap, if there is one, what a place of the model gives. */
    public void show(String place, Tensor value) {
        if (tap != null) {
            tap.value(place, value);
        }
    }

    /** For layers: shows the tap, if there is one, the gradient that arrives at a place. */
    public void showGradient(String place, Tensor gradient) {
        if (tap != null) {
            tap.gradient(place, gradient);
        }
    }

    /** What backward will read: {@code owner}'s own memory in training, shared scratch otherwise. */
    public Tensor activation(Object owner, String name, int rows, int columns) {
        return training ? tensor(owner, name, rows, columns) : scratch(name, rows, columns);
    }

    /** Memory that belongs to {@code owner} until the workspace ends; at most one row for each token. */
    public Tensor tensor(Object owner, String name, int rows, int columns) {
        return memory(owner, name).tensor(rows, columns, room(rows));
    }

    /** Memory of just this size that belongs to {@code owner}: for what is the same in every pass. */
    public Tensor block(Object owner, String name, int rows, int columns) {
        return memory(owner, name).tensor(rows, columns, rows);
    }

    /** Memory shared by every layer that asks for the same name: its content lasts until the next one asks. */
    public Tensor scratch(String name, int rows, int columns) {
        return memory(SCRATCH, name).tensor(rows, columns, room(rows));
    }

    /** Memory for whole numbers that belongs to {@code owner}. */
    public IntTensor ints(Object owner, String name, int count) {
        return memory(owner, name).ints(count);
    }

    /** The same, holding these. */
    public IntTensor ints(Object owner, String name, int[] values) {
        IntTensor ints = ints(owner, name, values.length);
        backend.upload(values, 0, ints, values.length);
        return ints;
    }

    /** Remembers, without a copy, the input of {@code owner} for its backward. */
    public void keepInput(Object owner, Tensor x) {
        inputs.put(owner, x);
    }

    /** What {@link #keepInput} remembered. */
    public Tensor keptInput(Object owner) {
        Tensor x = inputs.get(owner);
        if (x == null) {
            throw new IllegalStateException("backward of " + owner.getClass().getSimpleName() + " before its forward");
        }
        return x;
    }

    /**
     * Keeps a value that layers can look up by its class in the passes to come, such as which adapter each sequence uses. So it
     * belongs to these passes and not to the model.
     *
     * @param value null takes it away
     */
    public <T> void note(Class<T> kind, @Nullable T value) {
        if (value == null) {
            notes.remove(kind);
        } else {
            notes.put(kind, value);
        }
    }

    /** What was last left under this kind, or null. */
    public <T> @Nullable T note(Class<T> kind) {
        return notes.isEmpty() ? null : kind.cast(notes.get(kind));
    }

    /**
     * Says that the layers from here on see the n-th piece of the pass's rows, and not all of them at once: each piece has
     * dropout masks of its own. A pass begins with piece 0.
     */
    public void beginPiece(int n) {
        piece = n;
    }

    /** The dropout mask of a place in the model in this pass; {@link DropoutMask#NONE} where nothing drops. */
    public DropoutMask dropout(double p, int site) {
        return dropping && p > 0 ? new DropoutMask(p, seed, step, site + piece * PIECE) : DropoutMask.NONE;
    }

    /** How many numbers there is room for that belong to owners of this class; of {@code Object.class}, all but scratch. */
    public long held(Class<?> owner) {
        Set<Memory> held = Collections.newSetFromMap(new IdentityHashMap<>()); // blocks that recompute share theirs
        memories.forEach((each, byName) -> {
            if (each != SCRATCH && owner.isInstance(each)) {
                held.addAll(byName.values());
            }
        });
        return sizes(held);
    }

    /** How many numbers there is room for that layers share. */
    public long heldScratch() {
        return sizes(memories.getOrDefault(SCRATCH, Map.of()).values());
    }

    private static long sizes(Collection<Memory> memories) {
        return memories.stream().map(memory -> memory.whole).filter(Objects::nonNull).mapToLong(Tensor::size).sum();
    }

    private Memory memory(Object owner, String name) {
        return memories.computeIfAbsent(owner, o -> new HashMap<>()).computeIfAbsent(name, n ->
                recomputing && inside != null && owner != SCRATCH ? sharedMemory(n) : new Memory());
    }

    private Memory sharedMemory(String name) {
        int nth = taken.computeIfAbsent(inside, block -> HashMultiset.create()).add(name, 1);
        List<Memory> ofName = shared.computeIfAbsent(name, n -> new ArrayList<>());
        if (nth == ofName.size()) {
            ofName.add(new Memory());
        }
        return ofName.get(nth);
    }

    /** One buffer and the shapes in which it has been asked for. */
    private final class Memory {

        private @Nullable Tensor whole;
        private @Nullable IntTensor wholeInts;
        private long[] keys = new long[4];
        private Tensor[] views = new Tensor[4];
        private int count;

        Tensor tensor(int rows, int columns, long roomForRows) {
            long key = (long) rows << 32 | columns;
            for (int i = 0; i < count; i++) {
                if (keys[i] == key) {
                    return views[i];
                }
            }
            Shape shape = Shape.of(rows, columns);
            if (whole == null || whole.size() < shape.size()) {
                whole = backend.allocate(Shape.of(room(Math.max(rows, roomForRows) * columns)));
                count = 0;
            }
            if (count == keys.length) {
                keys = Arrays.copyOf(keys, 2 * count);
                views = Arrays.copyOf(views, 2 * count);
            }
            keys[count] = key;
            views[count] = whole.as(shape);
            return views[count++];
        }

        IntTensor ints(int size) {
            if (wholeInts == null || wholeInts.size() < size) {
                // in proportion to what this pass asks for: a mask over a cache has more numbers than there are tokens
                wholeInts = backend.allocateInts(Shape.of(room(Math.max(size, Math.ceilDiv(size * maxTokens, tokens)))));
            }
            return wholeInts.size() == size ? wholeInts : wholeInts.as(Shape.of(size));
        }

        private static int room(long size) {
            return (int) Math.min(Integer.MAX_VALUE - 16, size);
        }
    }
}
