package org.lora4j.experiments.compare;

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
}
