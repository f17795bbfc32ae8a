package org.lora4j.experiments.report;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What was measured along a training run. A quantity that was not measured is NaN.
 *
 * @param training    in the order of their steps
 * @param evaluations in the order of their steps
 */
public record TrainingCurves(List<TrainingPoint> training, List<EvaluationPoint> evaluations) {

    /** A training step: its loss, learning rate and speed. */
    public record TrainingPoint(long step, double loss, double learningRate, double tokensPerSecond) {}

    /**
     * An evaluation on held-back data after {@code step} updates; step 0 is the base.
     *
     * @param measures what else was measured, by name, the one that counts first; empty where the loss is what counts
     */
    public record EvaluationPoint(long step, double devLoss, double devPerplexity, Map<String, Double> measures) {

        /** Keeps its own copy of the measures. */
        public EvaluationPoint {
            measures = Collections.unmodifiableMap(new LinkedHashMap<>(measures));
        }

        /** Of a language model. */
        public EvaluationPoint(long step, double devLoss, double devPerplexity) {
            this(step, devLoss, devPerplexity, Map.of());
        }
    }

    /** Keeps its own lists. */
    public TrainingCurves {
        training = List.copyOf(training);
        evaluations = List.copyOf(evaluations);
    }

    /** No point at all, for a run that did not train. */
    public static TrainingCurves none() {
        return new TrainingCurves(List.of(), List.of());
    }

    /** The names of what was measured on dev beside the loss, the one that counts first; none of a language model. */
    public List<String> measures() {
        return evaluations.isEmpty() ? List.of() : List.copyOf(evaluations.getFirst().measures().keySet());
    }

    /** The last step of which anything is known; 0 before any. */
    public long lastStep() {
        return Math.max(training.isEmpty() ? 0 : training.getLast().step(),
                evaluations.isEmpty() ? 0 : evaluations.getLast().step());
    }

    /**
     * The training loss as the eye should follow it: at each step, the value there of a straight line through its
     * neighbours, fitted by least squares with weights that fall off as a Gaussian (local linear regression),
     *
     * <pre>
     *   sᵢ = (M₂·T₀ − M₁·T₁) / (M₀·M₂ − M₁²)        dⱼ = (stepⱼ − stepᵢ)/h        wⱼ = exp(−½·dⱼ²)
     *   Mₖ = Σⱼ wⱼ·dⱼᵏ        Tₖ = Σⱼ wⱼ·dⱼᵏ·lossⱼ        h = 2.5 % of the run
     * </pre>
     *
     * Unlike an exponential moving average it does not lag behind a loss that falls fast, and unlike any mean it is not
     * drawn inwards at the ends. Losses that are not finite are left out, and stay as they are in the result.
     */
    public double[] smoothedLoss() {
        int n = training.size();
        double[] smoothed = new double[n];
        double run = n < 2 ? 0 : training.getLast().step() - training.getFirst().step();
        double bandwidth = Math.max(1, 0.025 * run);
        int first = 0;
        for (int i = 0; i < n; i++) {
            long step = training.get(i).step();
            while (step - training.get(first).step() > 3 * bandwidth) {
                first++;
            }
            double m0 = 0;
            double m1 = 0;
            double m2 = 0;
            double t0 = 0;
            double t1 = 0;
            for (int j = first; j < n && training.get(j).step() - step <= 3 * bandwidth; j++) {
                double loss = training.get(j).loss();
                if (Double.isFinite(loss)) {
                    double d = (training.get(j).step() - step) / bandwidth;
                    double w = Math.exp(-0.5 * d * d);
                    m0 += w;
                    m1 += w * d;
                    m2 += w * d * d;
                    t0 += w * loss;
                    t1 += w * d * loss;
                }
            }
            double determinant = m0 * m2 - m1 * m1;
            boolean alone = determinant < 1e-9 * m0 * m0;
            double loss = training.get(i).loss();
            smoothed[i] = !Double.isFinite(loss) || alone ? loss : (m2 * t0 - m1 * t1) / determinant;
        }
        return smoothed;
    }
}
