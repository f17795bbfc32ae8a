package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;

/**
 * Some neighbouring outputs of a fused map that are a map of their own by meaning: v of q, k, v.
 *
 * @param name  what it is called
 * @param first the first of its outputs
 * @param width how many there are; k and v have fewer than q where key heads are fewer
 */
public record FusedPart(String name, int first, int width) {

    /** Parts one behind the other that share the outputs of a map equally. */
    public static List<FusedPart> equal(List<String> names, int out) {
        if (names.isEmpty() || out % names.size() != 0) {
            throw new IllegalArgumentException(out + " outputs are not equal parts " + String.join(", ", names));
        }
        return of(names, names.stream().map(name -> out / names.size()).toList());
    }

    /** Parts one behind the other, each with so many outputs. */
    public static List<FusedPart> of(List<String> names, List<Integer> widths) {
        List<FusedPart> parts = new ArrayList<>();
        int first = 0;
        for (int p = 0; p < names.size(); p++) {
            parts.add(new FusedPart(names.get(p), first, widths.get(p)));
            first += widths.get(p);
        }
        return parts;
    }
}
