package org.lora4j.nn;

import java.util.Arrays;
import org.lora4j.backend.Backend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/**
 * The losses of a classifier's scores z (B, n):
 *
 * <pre>
 *   classes   ℓ = −log softmax(z)_label, with label smoothing      ∂/∂z = weight·(softmax(z) − smoothed target)
 *   number    ℓ = (z − label)², n = 1                              ∂/∂z = 2·weight·(z − label)
 * </pre>
 */
public final class LabelLoss {

    /** Where a {@link Tap} sees the loss of each sequence. */
    private static final String LOSSES = "loss";

    private LabelLoss() {
    }

    /**
     * Σ of the losses against classes.
     *
     * @param z      (B, n); read
     * @param labels B numbers of classes
     */
    public static double ofClasses(Tensor z, double[] labels, double labelSmoothing, Workspace ws) {
        Tensor losses = losses(z, ws);
        ws.backend().crossEntropy(z, classes(labels, ws), labelSmoothing, losses);
        return sum(losses, ws);
    }

    /** The same, and z becomes its gradient. */
    public static double ofClassesWithGradient(Tensor z, double[] labels, double labelSmoothing, double weight, Workspace ws) {
        Tensor losses = losses(z, ws);
        ws.backend().crossEntropyWithGradient(z, classes(labels, ws), labelSmoothing, weight, losses);
        return sum(losses, ws);
    }

    /**
     * Σ of the squared differences.
     *
     * @param z      (B, 1); becomes z − label
     * @param labels B numbers
     */
    public static double ofNumbers(Tensor z, double[] labels, Workspace ws) {
        Backend backend = ws.backend();
        Tensor wanted = ws.block(LabelLoss.class, "wanted", z.rows(), 1);
        backend.upload(labels, wanted);
        backend.add(wanted.matrix(), z.matrix(), -1);
        Tensor losses = losses(z, ws);
        backend.multiply(z, z, losses);
        return sum(losses, ws);
    }

    /** The same, and z becomes its gradient. */
    public static double ofNumbersWithGradient(Tensor z, double[] labels, double weight, Workspace ws) {
        double loss = ofNumbers(z, labels, ws);
        ws.backend().scale(z, 2 * weight);
        return loss;
    }

    private static Tensor losses(Tensor z, Workspace ws) {
        return ws.block(LabelLoss.class, "losses", z.rows(), 1);
    }

    private static IntTensor classes(double[] labels, Workspace ws) {
        IntTensor classes = ws.ints(LabelLoss.class, "classes", labels.length);
        ws.backend().upload(Arrays.stream(labels).mapToInt(label -> (int) label).toArray(), 0, classes, labels.length);
        return classes;
    }

    private static double sum(Tensor losses, Workspace ws) {
        ws.show(LOSSES, losses);
        return ws.backend().sum(losses);
    }
}
