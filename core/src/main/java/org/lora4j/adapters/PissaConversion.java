package org.lora4j.adapters;

import org.lora4j.tensor.Shape;
import org.lora4j.tuning.lora.Pissa;

/**
 * An adapter that began with parts of the base's weights, as a plain one of twice the rank on the base as it was:
 *
 * <pre>
 *   s·(B·A − B₀·A₀) = s·[B, −B₀]·[A; A₀]          s = alpha/r = 2·alpha/(2·r)
 * </pre>
 *
 * which is what PEFT's {@code path_initial_model_for_weight_conversion} writes.
 */
final class PissaConversion {

    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";

    private PissaConversion() {
    }

    /** Whether it is A or B. */
    static boolean isFactor(PeftFormat.Entry entry) {
        return entry.key().endsWith(A) || entry.key().endsWith(B);
    }

    /** Its shape with twice the rank. */
    static Shape shape(PeftFormat.Entry entry) {
        int rows = entry.shape().dim(0);
        int columns = entry.shape().dim(1);
        return entry.key().endsWith(A) ? Shape.of(2 * rows, columns) : Shape.of(rows, 2 * columns);
    }

    /**
     * [A; A₀], or [B, −B₀].
     *
     * @param values A or B as the file has it
     */
    static double[] doubled(Pissa pissa, PeftFormat.Entry entry, double[] values) {
        Pissa.Factors initial = pissa.of(entry.key().substring(PeftFormat.PREFIX.length(), entry.key().length() - A.length()));
        double[] doubled = new double[2 * values.length];
        if (entry.key().endsWith(A)) {
            System.arraycopy(values, 0, doubled, 0, values.length);
            System.arraycopy(entry.toFile().apply(initial.a()), 0, doubled, values.length, values.length);
            return doubled;
        }
        double[] b = entry.toFile().apply(Pissa.negative(initial.b()));
        int columns = entry.shape().dim(1);
        for (int row = 0; row < values.length / columns; row++) {
            System.arraycopy(values, row * columns, doubled, 2 * row * columns, columns);
            System.arraycopy(b, row * columns, doubled, (2 * row + 1) * columns, columns);
        }
        return doubled;
    }
}
