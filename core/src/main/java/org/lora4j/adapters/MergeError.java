package org.lora4j.adapters;

import org.lora4j.io.DType;
import org.lora4j.io.HalfPrecision;

/**
 * What rounding to the written type did to a merged weight, against W₀ + ΔW in double:
 *
 * <pre>
 *   error in ulps of element w = |written − w| / ulp(w)      ulp: the distance of two neighbours of the type at w
 * </pre>
 *
 * @param tensor   the weight's name
 * @param elements how many numbers it has
 * @param maxUlps  the largest error, at most 0.5 where each element was rounded once
 * @param meanUlps the mean of the errors
 * @param ofUpdate ‖written − (W₀ + ΔW)‖_F / ‖ΔW‖_F: how much of the update rounding hides; in bfloat16 this can be most of it
 */
public record MergeError(String tensor, long elements, double maxUlps, double meanUlps, double ofUpdate) {

    /**
     * @param exact  W₀ + ΔW
     * @param before W₀
     */
    static MergeError of(String tensor, DType written, double[] exact, double[] before) {
        double max = 0;
        double sum = 0;
        double lost = 0;
        double update = 0;
        for (int i = 0; i < exact.length; i++) {
            double error = Math.abs(rounded(exact[i], written) - exact[i]);
            double ulps = error == 0 ? 0 : error / ulp(exact[i], written);
            max = Math.max(max, ulps);
            sum += ulps;
            lost += error * error;
            double delta = exact[i] - before[i];
            update += delta * delta;
        }
        return new MergeError(tensor, exact.length, max, exact.length == 0 ? 0 : sum / exact.length,
                update == 0 ? 0 : Math.sqrt(lost / update));
    }

    /** The value as a file of this type has it. */
    static double rounded(double value, DType dtype) {
        return switch (dtype) {
            case F64 -> value;
            case F32 -> (float) value;
            case BF16 -> HalfPrecision.bf16ToFloat(HalfPrecision.doubleToBf16(value));
            case F16 -> Float.float16ToFloat(HalfPrecision.doubleToF16(value));
            default -> throw new IllegalArgumentException(dtype + " is no type of weights");
        };
    }

    /** The distance of two neighbours of the type in value's binade; below the smallest normal one, of the smallest two. */
    static double ulp(double value, DType dtype) {
        int digits = switch (dtype) {
            case F64 -> 53;
            case F32 -> 24;
            case F16 -> 11;
            case BF16 -> 8;
            default -> throw new IllegalArgumentException(dtype + " is no type of weights");
        };
        int smallest = dtype == DType.F16 ? -14 : dtype == DType.F64 ? Double.MIN_EXPONENT : Float.MIN_EXPONENT;
        return Math.scalb(1.0, Math.max(Math.getExponent(value), smallest) - (digits - 1));
    }
}
