package org.lora4j.data;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A text, or two that belong together, and what a classifier shall say of them. Two are equal if their texts and labels are,
 * wherever they stand.
 *
 * @param second null where there is one text
 * @param label  as the file has it: a name or a number; null where none is known
 * @param place  where it was read, for messages; null if nowhere
 */
public record LabelledText(String first, @Nullable String second, @Nullable String label, @Nullable Place place) {

    /** One from nowhere. */
    public LabelledText(String first, @Nullable String second, @Nullable String label) {
        this(first, second, label, null);
    }

    /** Where it stands, for messages; {@code example 3} where it was not read from a file. */
    public Place placeOr(int number) {
        return place != null ? place : new Place(null, "example", number);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LabelledText text && first.equals(text.first)
                && Objects.equals(second, text.second) && Objects.equals(label, text.label);
    }

    @Override
    public int hashCode() {
        return Objects.hash(first, second, label);
    }
}
