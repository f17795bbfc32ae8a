package org.lora4j.backend;

import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Tensor;

/** The loss of a {@link Backend}, with and without its gradient. */
public interface LossOperations {

    /**
     * Softmax cross-entropy with label smoothing ε. With p = softmax(z) of a row z and its target y:
     *
     * <pre>
     *   loss = (1 − ε)·(−log p_y) + (ε/V)·Σ over j of (−log p_j)
     * </pre>
     *
     * <p>The smoothing is that of the authors' scripts (and of PyTorch's {@code label_smoothing}). A negative target is
     * ignored: its loss is 0.
     *
     * @param logits  (N, V); read
     * @param targets (N), in 0 … V − 1 or negative; read
     * @param losses  (N); written
     */
    void crossEntropy(Tensor logits, IntTensor targets, double labelSmoothing, Tensor losses);

    /**
     * {@link #crossEntropy} and its gradient in one pass, over the logits themselves:
     *
     * <pre>
     *   logits ← weight·(p − (1 − ε)·onehot(y) − ε/V), and 0 in the rows of ignored targets
     * </pre>
     *
     * @param logits  (N, V); read, then written with ∂(weight·Σ loss)/∂logits
     * @param targets (N), in 0 … V − 1 or negative; read
     * @param weight  what each row's loss counts, 1/(number of targets) for a mean
     * @param losses  (N); written, without the weight
     */
    void crossEntropyWithGradient(
            Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses);
}
