package org.lora4j.cli;

import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** A model and a batch that it is traced on, of either kind. */
sealed interface TracedBatch {

    Model model();

    /** The ids with their mask and token types. */
    Batch sequences();

    /** How many numbers the mean of the loss divides by; 0 where there are no labels, and where none of them counts. */
    int targets();

    boolean hasLabels();

    Tensor logits(Workspace ws);

    /** (B, T, V), or (B, labels). */
    Shape shape();

    /** Σ of the targets' losses. */
    double loss(Workspace ws);

    /** Adds the gradients of the mean loss. */
    void gradients(Workspace ws);

    /** A language model: a loss for each token that is followed by a label. */
    record OfTokens(LanguageModel model, Batch sequences) implements TracedBatch {

        @Override
        public int targets() {
            return sequences.targets();
        }

        @Override
        public boolean hasLabels() {
            return sequences.labels() != null;
        }

        @Override
        public Tensor logits(Workspace ws) {
            return model.logits(sequences, ws);
        }

        @Override
        public Shape shape() {
            return Shape.of(sequences.size(), sequences.length(), model.sizes().vocabulary());
        }

        @Override
        public double loss(Workspace ws) {
            return model.loss(sequences, 0, ws);
        }

        @Override
        public void gradients(Workspace ws) {
            model.lossAndGradients(sequences, 1.0 / targets(), 0, 0, ws);
        }
    }

    /** A classifier: a loss for each sequence. */
    record OfSequences(SequenceClassifier model, LabelledBatch batch) implements TracedBatch {

        @Override
        public Batch sequences() {
            return batch.sequences();
        }

        @Override
        public int targets() {
            return hasLabels() ? batch.size() : 0;
        }

        @Override
        public boolean hasLabels() {
            return batch.labels() != null;
        }

        @Override
        public Tensor logits(Workspace ws) {
            return model.scores(batch, ws);
        }

        @Override
        public Shape shape() {
            return Shape.of(batch.size(), model.labels());
        }

        @Override
        public double loss(Workspace ws) {
            return model.loss(batch, 0, ws);
        }

        @Override
        public void gradients(Workspace ws) {
            model.lossAndGradients(batch, 1.0 / batch.size(), 0, 0, ws);
        }
    }
}
