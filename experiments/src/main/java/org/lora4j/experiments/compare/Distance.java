package org.lora4j.experiments.compare;

/**
 * How far some numbers y are from the true ones r:
 *
 * <pre>
 *   relative = max|y − r| / max|r|        ulps = max over i with |rᵢ| ≥ rms(r) of |y − r|ᵢ / ulp(rᵢ)
 * </pre>
 *
 * <p>ulp(r) is the distance of floats at r. The ulps leave elements out that are smaller than the root of the mean square,
 * since a sum that cancels is many ulps off however well it was computed. Both are infinite where y has a NaN or an infinity and r has not.
 *
 * @param relative the relative error
 * @param ulps     the distance in ulps of float
 * @param row      the row of the element with the largest |y − r|
 * @param column   its column
 * @param expected r there
 * @param actual   y there
 */
public record Distance(double relative, double ulps, int row, int column, double expected, double actual) {

    /**
     * How far two arrays are from one another, by element and by row.
     *
     * @param columns the length of a row of both
     */
    public static Distance of(double[] expected, double[] actual, int columns) {
        if (expected.length != actual.length) {
            throw new IllegalArgumentException(actual.length + " numbers beside " + expected.length);
        }
        double largest = 0;
        double squares = 0;
        for (double r : expected) {
            largest = Math.max(largest, Math.abs(r));
            squares += r * r;
        }
        double small = Math.sqrt(squares / expected.length) * (1 - 1e-9); // equal elements are not left out
        int worst = 0;
        double error = 0;
        double ulps = 0;
        for (int i = 0; i < expected.length; i++) {
            double difference = difference(expected[i], actual[i]);
            if (difference > error) {
                error = difference;
                worst = i;
            }
            if (Math.abs(expected[i]) >= small) {
                ulps = Math.max(ulps, difference == 0 ? 0 : difference / Math.ulp((float) expected[i]));
            }
        }
        double relative = error == 0 ? 0 : error / largest;
        return expected.length == 0 ? new Distance(0, 0, 0, 0, 0, 0)
                : new Distance(relative, ulps, worst / columns, worst % columns, expected[worst], actual[worst]);
    }

    private static double difference(double expected, double actual) {
        if (Double.compare(expected, actual) == 0 || expected == actual) { // equal infinities, NaN where NaN is due
            return 0;
        }
        double difference = Math.abs(actual - expected);
        return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
    }
}
