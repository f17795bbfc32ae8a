package org.lora4j.backend.reference;

import org.lora4j.backend.Checks;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/** Softmax cross-entropy with label smoothing, row by row, and its gradient. */
final class ReferenceCrossEntropy {

    private ReferenceCrossEntropy() {
    }

    static void losses(Tensor logits, IntTensor targets, double smoothing, Tensor losses) {
        double[] z = Memory.of(logits);
        int[] y = Memory.of(targets);
        double[] out = Memory.of(losses);
        int classes = logits.columns();
        for (int n = 0; n < logits.rows(); n++) {
            Checks.target(y[n], classes);
            out[n] = y[n] < 0 ? 0 : loss(z, n * classes, classes, y[n], smoothing);
        }
    }

    static void lossesAndGradient(Tensor logits, IntTensor targets, double smoothing, double weight, Tensor losses) {
        losses(logits, targets, smoothing, losses);
        double[] z = Memory.of(logits);
        int[] y = Memory.of(targets);
        int classes = logits.columns();
        for (int n = 0; n < logits.rows(); n++) {
            int row = n * classes;
            double logSum = y[n] < 0 ? 0 : logSumExp(z, row, classes);
            for (int j = 0; j < classes; j++) {
                double expected = (j == y[n] ? 1 - smoothing : 0) + smoothing / classes;
                z[row + j] = y[n] < 0 ? 0 : weight * (StrictMath.exp(z[row + j] - logSum) - expected);
            }
        }
    }

    private static double loss(double[] z, int row, int classes, int target, double smoothing) {
        double logSum = logSumExp(z, row, classes);
        double loss = (1 - smoothing) * (logSum - z[row + target]);
        if (smoothing > 0) { // without smoothing a logit of −∞ costs nothing, and 0·∞ would be NaN
            for (int j = 0; j < classes; j++) {
                loss += smoothing / classes * (logSum - z[row + j]);
            }
        }
        return loss;
    }

    /** log Σ exp z, as max + log Σ exp (z − max) so that nothing overflows. */
    private static double logSumExp(double[] z, int row, int classes) {
        double max = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < classes; j++) {
            max = StrictMath.max(max, z[row + j]);
        }
        double sum = 0;
        for (int j = 0; j < classes; j++) {
            sum += StrictMath.exp(z[row + j] - max);
        }
        return max + StrictMath.log(sum);
    }
}
