package org.lora4j.analysis;

import org.jspecify.annotations.Nullable;

/**
 * How much of W lies in an update's own directions (table 7):
 *
 * <pre>
 *   ‖Uᵢᵀ·W·Vᵢ‖_F      U, V: the first i left and right singular directions of ΔW, of W, or of a random matrix
 *   factor = ‖ΔW‖_F / ‖U_rᵀ·W·V_r‖_F        U, V of ΔW
 * </pre>
 *
 * Of W's own directions that is √(σ₁² + … + σᵢ²). Of random ones it is i·‖W‖_F/√(in·out) in the mean square, {@link #expected}: with the
 * paper's ‖W‖ = 61.95 in 12,288 × 12,288 this gives 0.02 for r = 4 and 0.32 for r = 64, where table 7 prints 0.02 and 0.33.
 *
 * @param byDelta  with ΔW's directions, for i = 1 … r
 * @param byWeight with W's own; null where they were not looked for
 * @param byRandom with those of a drawn Gaussian matrix
 * @param expected what random directions give in the mean square
 * @param factor   NaN where W has nothing in ΔW's directions
 */
public record Amplification(double[] byDelta, double @Nullable [] byWeight, double[] byRandom, double[] expected, double factor) {

    /**
     * How much of W lies in the directions of ΔW, of itself and of a drawn matrix.
     *
     * @param norm   ‖W‖_F
     * @param top    of W, at least as many as ΔW has; null for none
     * @param randomLeft  directions of a drawn matrix, as many as ΔW has
     * @param randomRight the same on its other side
     */
    public static Amplification of(
            WeightMatrix w, double norm, UpdateDirections update, @Nullable TopDirections top, Directions randomLeft, Directions randomRight) {
        int r = update.rightOfDelta().count();
        double[] byDelta = growing(w.between(update.leftOfDelta(), update.rightOfDelta()));
        double[] byRandom = growing(w.between(randomLeft, randomRight));
        double[] byWeight = top == null ? null : new double[r];
        double[] expected = new double[r];
        double squares = 0;
        for (int i = 0; i < r; i++) {
            if (top != null) {
                squares += i < top.values().length ? top.values()[i] * top.values()[i] : 0;
                byWeight[i] = Math.sqrt(squares);
            }
            expected[i] = (i + 1) * norm / Math.sqrt((double) w.rows() * w.columns());
        }
        double inside = r == 0 ? 0 : byDelta[r - 1];
        return new Amplification(byDelta, byWeight, byRandom, expected,
                inside == 0 ? Double.NaN : update.spectrum().normDelta() / inside);
    }

    /** Frobenius norms of the upper left squares. */
    private static double[] growing(double[][] core) {
        double[] norms = new double[core.length];
        double squares = 0;
        for (int i = 0; i < core.length; i++) {
            for (int k = 0; k < i; k++) {
                squares += core[i][k] * core[i][k] + core[k][i] * core[k][i];
            }
            squares += core[i][i] * core[i][i];
            norms[i] = Math.sqrt(squares);
        }
        return norms;
    }
}
