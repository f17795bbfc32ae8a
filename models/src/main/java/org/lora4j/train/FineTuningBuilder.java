package org.lora4j.train;

import java.nio.file.Path;
import java.util.List;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.chat.LossOn;
import org.lora4j.data.Batch;
import org.lora4j.data.Example;
import org.lora4j.data.TooLong;
import org.lora4j.family.LanguageModel;
import org.lora4j.task.Completion;
import org.lora4j.task.MeanLoss;
import org.lora4j.task.Measure;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;

/** What a {@link FineTuning} is made of, piece by piece. A method and examples to learn from it must have. */
public final class FineTuningBuilder {

    final LanguageModel model;
    final Tokenizer tokenizer;
    TuningMethod method;
    Tuning tuning;
    List<? extends Example> train = List.of();
    List<? extends Example> dev = List.of();
    int batchSize = 8;
    TooLong tooLong = TooLong.FAIL;
    long seed = 110;
    LossOn lossOn = LossOn.COMPLETION;
    ChatTemplate template;
    Path source;
    Measure<Batch> measure = new MeanLoss<>(new Completion());

    FineTuningBuilder(LanguageModel model, Tokenizer tokenizer) {
        this.model = model;
        this.tokenizer = tokenizer;
    }

    /** How to adapt: attached to the model by {@link #build}, with the seed. */
    public FineTuningBuilder method(TuningMethod chosen) {
        method = chosen;
        return this;
    }

    /** A method that is in the model already, such as an adapter that was loaded to be trained further. */
    public FineTuningBuilder tuning(Tuning attached) {
        tuning = attached;
        return this;
    }

    /** What to learn from. */
    public FineTuningBuilder train(List<? extends Example> examples) {
        train = examples;
        return this;
    }

    /** What to measure on; nothing at first. */
    public FineTuningBuilder dev(List<? extends Example> examples) {
        dev = examples;
        return this;
    }

    /** Examples in a batch, 8 at first. */
    public FineTuningBuilder batchSize(int examples) {
        batchSize = examples;
        return this;
    }

    /** What becomes of examples longer than the model's positions: at first they are an error. */
    public FineTuningBuilder tooLong(TooLong what) {
        tooLong = what;
        return this;
    }

    /** Which tokens are learnt: at first completions and the turns of an assistant. */
    public FineTuningBuilder lossOn(LossOn which) {
        lossOn = which;
        return this;
    }

    /** How chats become text; at first as the files in {@link #source} say, or in {@link ChatTemplate#STANDARD the standard form}. */
    public FineTuningBuilder chatTemplate(ChatTemplate chosen) {
        template = chosen;
        return this;
    }

    /** Of the order of the examples and of what a method initialises; 110 at first. */
    public FineTuningBuilder seed(long number) {
        seed = number;
        return this;
    }

    /** By which number on dev the best is kept: the mean loss at first. */
    public FineTuningBuilder measure(Measure<Batch> chosen) {
        measure = chosen;
        return this;
    }

    /** The model's folder: where a method saves a whole model, the tokenizer's files are copied from here. */
    public FineTuningBuilder source(Path folder) {
        source = folder;
        return this;
    }

    /**
     * Encodes the examples and attaches the method.
     *
     * @throws org.lora4j.LoraException if an example is too long, a token has no row in the model, nothing is left to learn from,
     *                                  or the model has nothing that the method trains
     * @throws IllegalStateException    if neither {@link #method} nor {@link #tuning} was given, or both
     */
    public FineTuning build() {
        if ((method == null) == (tuning == null)) {
            throw new IllegalStateException(method == null ? "no method was given" : "a method and a tuning were given: one of "
                    + "them says what trains");
        }
        return FineTuning.of(this);
    }
}
