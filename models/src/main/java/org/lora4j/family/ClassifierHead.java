package org.lora4j.family;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.StoredAdapter;

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

    /**
     * The one that a model needs for an adapter to be loaded into it: with the adapter's labels where the adapter brings a head,
     * which takes this one's place, and else the folder's. Names that the adapter does not know are the folder's, if it has as
     * many.
     *
     * @param adapter its folder
     * @param folder  the base's
     */
    public static ClassifierHead forAdapter(Path adapter, Path folder) {
        return forHead(AdapterHead.of(adapter, Families.of(folder).names()), folder);
    }

    /** The same for an adapter that was read already. */
    public static ClassifierHead forAdapter(StoredAdapter adapter, Path folder) {
        return forHead(AdapterHead.of(adapter), folder);
    }

    private static ClassifierHead forHead(Optional<AdapterHead> brought, Path folder) {
        return brought
                .map(head -> of(Labels.of(head, () -> ClassifierFields.read(folder.resolve(Families.CONFIG)).labels())).renewed())
                .orElseGet(ClassifierHead::asStored);
    }

    /** A new head, whatever the folder has. */
    public ClassifierHead renewed() {
        return new ClassifierHead(labels, true, seed);
    }

    /** The same, drawn from another seed where it is new. */
    public ClassifierHead withSeed(long other) {
        return new ClassifierHead(labels, anew, other);
    }

    /**
     * The labels of a model read from a folder.
     *
     * @param folder  for messages
     * @param stored  what {@code config.json} says, asked only where it counts
     * @param present whether the folder holds a head
     * @throws LoraException if the folder's head is for other labels than these
     */
    public Labels labelsFor(Path folder, Supplier<Labels> stored, boolean present) {
        if (labels == null) {
            return stored.get();
        }
        return anew || !present ? labels : agreed(folder, labels, stored.get());
    }

    private static Labels agreed(Path folder, Labels labels, Labels stored) {
        boolean alike = labels.regression() == stored.regression() && labels.count() == stored.count();
        if (alike && (stored.isNumbered() || labels.equals(stored))) {
            return labels;
        }
        if (alike && (labels.isNumbered() || Set.copyOf(labels.names()).equals(Set.copyOf(stored.names())))) {
            return stored;
        }
        throw new LoraException(Names.oneLine(folder + ": has a head for " + stored.text() + ", asked for one for " + labels.text()
                + ". Set `newHead` to leave it out and begin with a new one"));
    }

    /**
     * Says which head a model got, where that was not what was asked for.
     *
     * @param leftOut tensors of the folder that were not read
     * @param made    the labels of a head that is new, null where it is the folder's
     */
    public void remark(Path folder, List<String> leftOut, @Nullable Labels made, Consumer<String> remarks) {
        if (!leftOut.isEmpty() && !anew) {
            remarks.accept(Names.oneLine(folder + ": " + Names.some(leftOut, 3) + (leftOut.size() == 1 ? " belongs" : " belong")
                    + " to a head of another kind and " + (leftOut.size() == 1 ? "is" : "are") + " left out"));
        }
        if (made != null && !anew) {
            remarks.accept(Names.oneLine(folder + ": has no head that classifies sequences; a new one for " + made.text()
                    + " is drawn at random (seed " + seed + ") and means nothing before it is trained"));
        }
    }
}
