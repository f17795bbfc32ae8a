package org.lora4j.family;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which head a caller wants on a classifier:
 *
 * <pre>
 *   asStored()             the folder's head with the folder's labels; where the folder holds none, a new one with them
 *   of(labels)             these labels: the folder's head if it has as many, and else a new one, which is an error where the
 *                          folder has a head with another number of labels or other names
 *   of(labels).renewed()   a new one, whatever the folder has
 * </pre>
 *
 * <p>A new head is drawn as Transformers draws it, weights from N(0, initializer_range²) and biases 0; the same numbers for the
 * same seed on every backend. Remarks say when one is made that was not asked for.
 *
 * @param labels what the scores stand for; null for what {@code config.json} says
 * @param anew   whether a head in the folder is to be left out
 * @param seed   of a new head
 */
public record ClassifierHead(@Nullable Labels labels, boolean anew, long seed) {

    /** The folder's. */
    public static ClassifierHead asStored() {
        return new ClassifierHead(null, false, 0);
    }

    /** For these labels. */
    public static ClassifierHead of(Labels labels) {
        return new ClassifierHead(labels, false, 0);
    }

    /** For classes of these names. */
    public static ClassifierHead of(List<String> names) {
        return of(Labels.of(names));
    }

    /** A new head, whatever the folder has. */
    public ClassifierHead renewed() {
        return new ClassifierHead(labels, true, seed);
    }

    /** The same, drawn from another seed where it is new. */
    public ClassifierHead withSeed(long other) {
        return new ClassifierHead(labels, anew, other);
    }
}
