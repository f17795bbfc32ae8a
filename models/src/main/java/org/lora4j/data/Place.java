package org.lora4j.data;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;

/**
 * Where something was read, for messages: {@code train.jsonl, line 3}.
 *
 * @param file   as the user knows it; null where there is none
 * @param unit   what is counted: line, entry, example
 * @param number from 1 on
 */
public record Place(@Nullable String file, String unit, int number) {

    /** How many are named before the others are counted. */
    public static final int MOST_SHOWN = 5;

    /** A line of a file. */
    public Place(String file, int line) {
        this(file, "line", line);
    }

    @Override
    public String toString() {
        return text(file, unit, List.of(number));
    }

    /** The first of them and how many more there are: {@code train.jsonl, lines 3, 7 and 9 and 12 more}. */
    public static String some(List<Place> places) {
        return some(places, places.size());
    }

    /**
     * The same of which only the first are known.
     *
     * @param places five, or all if there are fewer
     * @param count  of all
     */
    public static String some(List<Place> places, long count) {
        Map<Place, List<Integer>> byFile = new LinkedHashMap<>();
        for (Place place : places.subList(0, Math.min(MOST_SHOWN, places.size()))) {
            byFile.computeIfAbsent(new Place(place.file, place.unit, 0), file -> new ArrayList<>()).add(place.number);
        }
        List<String> texts = new ArrayList<>();
        byFile.forEach((file, numbers) -> texts.add(text(file.file, file.unit, numbers)));
        String shown = String.join("; ", texts);
        return count > MOST_SHOWN ? shown + " and " + (count - MOST_SHOWN) + " more" : shown;
    }

    private static String text(@Nullable String file, String unit, List<Integer> numbers) {
        return (file == null ? "" : Names.oneLine(file) + ", ") + unit + (numbers.size() > 1 ? "s " : " ")
                + String.join(", ", numbers.stream().map(String::valueOf).toList());
    }
}
