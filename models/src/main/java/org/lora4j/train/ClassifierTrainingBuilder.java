package org.lora4j.train;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.data.LabelledBatch;
import org.lora4j.data.LabelledText;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.task.ClassifierMeasure;
import org.lora4j.task.Measure;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;

/** What a {@link ClassifierTraining} is made of, piece by piece. A method and texts to learn from it must have. */
public final class ClassifierTrainingBuilder {

    final SequenceClassifier model;
    final Tokenizer tokenizer;
    @Nullable TuningMethod method;
    @Nullable Tuning tuning;
    List<LabelledText> train = List.of();
    List<LabelledText> dev = List.of();
    int batchSize = 16;
    int maxLength = Integer.MAX_VALUE;
    long seed = 110;
    @Nullable Path source;
    private @Nullable Measure<LabelledBatch> chosen;

    ClassifierTrainingBuilder(SequenceClassifier model, Tokenizer tokenizer) {
        this.model = model;
        this.tokenizer = tokenizer;
    }

    /** How to adapt: attached to the model by {@link #build}, with the seed. */
    public ClassifierTrainingBuilder method(TuningMethod chosen) {
        method = chosen;
        return this;
    }

    /** A method that is in the model already, such as an adapter that was loaded to be trained further. */
    public ClassifierTrainingBuilder tuning(Tuning attached) {
        tuning = attached;
        return this;
    }

    /** What to learn from; each has a label that the model knows. */
    public ClassifierTrainingBuilder train(List<LabelledText> texts) {
        train = texts;
        return this;
    }

    /** What to measure on; nothing at first. */
    public ClassifierTrainingBuilder dev(List<LabelledText> texts) {
        dev = texts;
        return this;
    }

    /** Texts in a batch, 16 at first. */
    public ClassifierTrainingBuilder batchSize(int texts) {
        batchSize = texts;
        return this;
    }

    /** Tokens of a text, or of a pair, beyond which it is cut; never more than the model's positions. */
    public ClassifierTrainingBuilder maxLength(int tokens) {
        maxLength = tokens;
        return this;
    }

    /** Of the order of the examples and of what a method initialises; 110 at first. */
    public ClassifierTrainingBuilder seed(long number) {
        seed = number;
        return this;
    }

    /** By which number on dev the best is kept: accuracy at first, or Pearson's correlation. */
    public ClassifierTrainingBuilder measure(Measure<LabelledBatch> best) {
        chosen = best;
        return this;
    }

    Measure<LabelledBatch> measure() {
        return chosen != null ? chosen : ClassifierMeasure.usual(model.answers());
    }

    /** The model's folder: where a method saves a whole model, the tokenizer's files are copied from here. */
    public ClassifierTrainingBuilder source(Path folder) {
        source = folder;
        return this;
    }

    /**
     * Encodes the texts and attaches the method.
     *
     * @throws org.lora4j.LoraException if a label is not the model's, a token has no row in the model, or the model has
     *                                  nothing that the method trains
     * @throws IllegalStateException    if neither {@link #method} nor {@link #tuning} was given, or both
     */
    public ClassifierTraining build() {
        if ((method == null) == (tuning == null)) {
            throw new IllegalStateException(method == null ? "no method was given" : "a method and a tuning were given: one of "
                    + "them says what trains");
        }
        return ClassifierTraining.of(this);
    }
}
