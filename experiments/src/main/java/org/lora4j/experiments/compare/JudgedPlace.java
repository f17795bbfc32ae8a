package org.lora4j.experiments.compare;

/**
 * One place of one backend, judged.
 *
 * @param kind     what was measured there
 * @param place    its name
 * @param layer    the number of the Transformer block, {@code Slot.NO_BLOCK} outside of them
 * @param step     the update step, 0 for none
 * @param distance from the reference
 * @param bound    the largest relative error that rounding explains
 */
public record JudgedPlace(Kind kind, String place, int layer, int step, Distance distance, double bound) {

    /** The relative error in units of the bound; 0 for no error. */
    public double share() {
        return distance.relative() == 0 ? 0 : distance.relative() / bound;
    }

    /** Whether the difference is more than rounding explains. */
    public boolean overBound() {
        return !(distance.relative() <= bound);
    }

    /** The place as text, with the step it belongs to. */
    public String text() {
        return step == 0 ? place : place + " after step " + step;
    }
}
