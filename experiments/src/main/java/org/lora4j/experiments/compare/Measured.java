package org.lora4j.experiments.compare;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Numbers that one backend computed at one place.
 *
 * @param kind    what they are
 * @param place   where: a module's or a tensor's name as Hugging Face writes it
 * @param step    the update step after which, from 1; 0 for what belongs to no step
 * @param columns the length of a row of {@code values}
 * @param values  row by row
 */
public record Measured(Kind kind, String place, int step, int columns, double[] values) {

    private static final Pattern LAYER = Pattern.compile("\\.h\\.(\\d+)\\.");

    /** The number of the Transformer block, or −1 where the place is outside all of them. */
    public static int layer(String place) {
        Matcher layer = LAYER.matcher(place);
        return layer.find() ? Integer.parseInt(layer.group(1)) : -1;
    }
}
