package org.lora4j.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.data.EncodedText;
import org.lora4j.data.LabelledBatch;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.data.TextEncoder;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.task.Classification;
import org.lora4j.task.Measure;
import org.lora4j.task.Predictions;
import org.lora4j.task.TaskFormat;
import org.lora4j.task.TaskLabels;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;

/**
 * A classifier learns the labels of texts, by any {@link TuningMethod}; its head trains with each of them.
 *
 * <pre>{@code
 * TaskLabels labels = TaskLabels.of(train);
 * SequenceClassifier model = Families.classifier(folder, backend, ClassifierHead.of(labels.labels()));
 * ClassifierTraining job = ClassifierTraining.of(model, tokenizer)
 *         .method(new LowRankAdaptation(LoraConfig.of(8, 16).withTargets("q,v", List.of())))
 *         .train(train).dev(dev).maxLength(128).batchSize(16).seed(0).build();
 * Trainer.Outcome outcome = job.run(TrainingPlan.of(job.steps(3, 1), 5e-4, 0), folder, "roberta-base", TrainingListener.NONE);
 * }</pre>
 *
 * <p>What is saved says what its scores stand for, and how long a text was ({@link TaskFormat}).
 */
public final class ClassifierTraining extends TrainingJob<EncodedText, LabelledBatch> {

    private final SequenceClassifier model;
    private final Classification objective;
    private final TaskFormat format;
    private final TextEncoder.Result examples;
    private final TextEncoder.Result devExamples;

    private ClassifierTraining(
            Parts<EncodedText, LabelledBatch> parts, Map<String, String> recipe, SequenceClassifier model, TaskFormat format,
            TextEncoder.Result examples, TextEncoder.Result devExamples) {
        super(parts, recipe);
        this.model = model;
        this.format = format;
        this.examples = examples;
        this.devExamples = devExamples;
        objective = new Classification(model.paddingId(), model.answers().regression());
    }

    static ClassifierTraining of(ClassifierTrainingBuilder parts) {
        SequenceClassifier model = parts.model;
        TaskLabels labels = new TaskLabels(model.answers());
        if (parts.train.isEmpty()) {
            throw new LoraException("there are no examples to learn from");
        }
        int longest = Math.min(parts.maxLength, model.sizes().positions()
                - (parts.tuning != null ? parts.tuning.method() : parts.method).positions());
        TextEncoder encoder = new TextEncoder(parts.tokenizer, model.sizes().vocabulary(), longest);
        TextEncoder.Result examples = encoder.encode(parts.train, (text, index) -> labels.of(text, index, "the training data"));
        TextEncoder.Result devExamples = encoder.encode(parts.dev, (text, index) -> labels.of(text, index, "the training data"));
        Classification objective = new Classification(model.paddingId(), model.answers().regression());
        LengthGroupedBatches<EncodedText> data =
                new LengthGroupedBatches<>(examples.examples(), objective::length, parts.batchSize, parts.seed);
        String base = Fingerprint.of(model);
        Tuning tuning = parts.tuning != null ? parts.tuning : parts.method.attach(model, parts.seed);
        Map<String, String> recipe = new LinkedHashMap<>();
        recipe.put("model", model.settings() + ", weights " + base);
        recipe.put("adapter", (tuning.saved() == Saved.ADAPTER ? "" : "none, by ") + tuning.settings());
        if (parts.tuning != null) { // what it starts from is no function of the seed
            recipe.put("begun from", Fingerprint.ofValues(model.backend(), tuning.trainable()));
        }
        recipe.put("labels", model.answers().regression() ? "numbers" : String.join(",", model.labelNames()));
        recipe.put("data", parts.train.size() + " texts, " + Fingerprint.ofTexts(examples.examples()));
        recipe.put("dev", parts.dev.size() + " texts, " + Fingerprint.ofTexts(devExamples.examples()));
        recipe.put("batch", Integer.toString(parts.batchSize));
        recipe.put("data-seed", Long.toString(parts.seed));
        Measure<LabelledBatch> measure = parts.measure();
        return new ClassifierTraining(new Parts<>(model, tuning, parts.source, objective, measure, data,
                objective.byLength(devExamples.examples(), EVALUATION_BATCH)), recipe, model,
                new TaskFormat(model.answers().regression(), longest), examples, devExamples);
    }

    /** A job to be described. */
    public static ClassifierTrainingBuilder of(SequenceClassifier model, Tokenizer tokenizer) {
        return new ClassifierTrainingBuilder(model, tokenizer);
    }

    /** How the texts were encoded. */
    public TextEncoder.Result examples() {
        return examples;
    }

    /** How the dev texts were encoded. */
    public TextEncoder.Result devExamples() {
        return devExamples;
    }

    /** What the model says now of the dev texts, in their order. */
    public Predictions predictDev() {
        return Predictions.of(model, model.answers(), objective, devExamples.examples(), EVALUATION_BATCH, done -> { });
    }

    @Override
    public int examplesLearned() {
        return examples.examples().size();
    }

    @Override
    public int examplesMeasured() {
        return devExamples.examples().size();
    }

    @Override
    public List<String> remarks() {
        List<String> remarks = new ArrayList<>(examples.remarks("train"));
        remarks.addAll(devExamples.remarks("dev"));
        return remarks;
    }

    @Override
    Map<String, String> metadata() {
        return format.metadata();
    }
}
