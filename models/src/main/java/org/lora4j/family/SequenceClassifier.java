package org.lora4j.family;

import java.util.List;
import java.util.Optional;
import org.lora4j.data.LabelledBatch;
import org.lora4j.model.Classifier;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * A model that gives each sequence a label, or a number:
 *
 * <pre>
 *   z = scores(sequence)
 *   classes       loss = −log softmax(z)_label        label in 0 … n − 1
 *   regression    loss = (z − label)²                 n = 1
 * </pre>
 *
 * <p>Losses of a batch are summed, as {@link org.lora4j.model.TrainableModel} has it; divide by {@link LabelledBatch#size} for
 * Transformers' mean. Label smoothing falls on the first form only.
 *
 * <p>The order of {@link #labelNames} is the model's: whoever turns a label's name into its number asks it.
 */
public interface SequenceClassifier extends Classifier<LabelledBatch> {

    /** PEFT's {@code task_type} of such a model. */
    String TASK_TYPE = "SEQ_CLS";

    /** What the scores stand for. */
    Labels answers();

    /** The names of the classes in the order of the scores; empty in regression. */
    @Override
    default List<String> labelNames() {
        return answers().names();
    }

    @Override
    default int labels() {
        return answers().count();
    }

    /**
     * The score of each label for each sequence, before softmax.
     *
     * @return (B, labels), in memory of the workspace
     * @throws org.lora4j.LoraException if a token, a token type or a length is none of the model's
     */
    @Override
    Tensor scores(LabelledBatch batch, Workspace ws);

    /**
     * Whoever lays sequences side by side fills up with this id. It matters: the positions of some families and the last token
     * of others are found by it, as in Transformers, and not by the mask.
     */
    int paddingId();

    @Override
    default Optional<String> taskType() {
        return Optional.of(TASK_TYPE);
    }
}
