package org.lora4j.family;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterHead;

/**
 * What a classifier's scores stand for: classes with names, or one number.
 *
 * @param names      of the classes, in the order of the scores; empty in regression
 * @param regression whether the score is the answer itself
 */
public record Labels(List<String> names, boolean regression) {

    /** One number. */
    public static final Labels NUMBER = new Labels(List.of(), true);

    /** Requires names that differ, or none for a regression. */
    public Labels {
        names = List.copyOf(names);
        if (regression != names.isEmpty() || names.stream().distinct().count() < names.size()) {
            throw new IllegalArgumentException("labels " + names + (regression ? " of a regression" : "")
                    + ": expected names that differ, or none for a regression");
        }
    }

    /** Classes of these names. */
    public static Labels of(List<String> names) {
        return new Labels(names, false);
    }

    /** Classes without names of their own: LABEL_0, LABEL_1, … as Transformers calls them. */
    public static Labels numbered(int count) {
        return of(IntStream.range(0, count).mapToObj(i -> "LABEL_" + i).toList());
    }

    /**
     * Those of an adapter's head.
     *
     * @param stored the base's, asked where the adapter says no names, and taken if they are as many
     */
    static Labels of(AdapterHead head, Supplier<Labels> stored) {
        if (head.labels() == 1) {
            return NUMBER;
        }
        return head.names().map(Labels::of).orElseGet(() -> {
            Labels named = stored.get();
            return named.count() == head.labels() ? named : numbered(head.labels());
        });
    }

    /** The number of scores. */
    public int count() {
        return regression ? 1 : names.size();
    }

    /** Whether nobody has given the classes names. */
    public boolean isNumbered() {
        return !regression && names.equals(numbered(names.size()).names);
    }

    /** For messages: {@code a number}, {@code 3 labels (contradiction, entailment, neutral)}. */
    public String text() {
        return regression ? "a number" : names.size() + (names.size() == 1 ? " label" : " labels") + " (" + Names.some(names, 5) + ")";
    }
}
