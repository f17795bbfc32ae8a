package org.lora4j.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntConsumer;
import org.lora4j.LoraException;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.Labels;
import org.lora4j.model.Classifier;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Workspace;

/**
 * One of the measures of classifiers, the others that belong to the task beside it, and the mean loss. All come out of one
 * pass; the best of a run is the best by the first.
 *
 * @param labels what the model says
 * @param kinds  what is measured, the first of which counts
 */
public record ClassifierMeasure(Labels labels, List<Kind> kinds) implements Measure<LabelledBatch> {

    /** A measure, as {@link LabelScores} and {@link Correlation} define it. */
    public enum Kind {
        /** Of classes: the share of right ones. */
        ACCURACY,
        /** Of two classes: F1 of the second, as GLUE reports of MRPC and QQP. */
        F1,
        /** Of classes: the mean of all classes' F1. */
        MACRO_F1,
        /** Of classes: Matthews' correlation, as GLUE reports of CoLA. */
        MATTHEWS,
        /** Of numbers: Pearson's correlation, as GLUE reports of STS-B. */
        PEARSON,
        /** Of numbers: Spearman's. */
        SPEARMAN;

        /** {@code macro_f1} */
        public String text() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** {@code macro F1}, {@code Pearson}: for people. */
        public String title() {
            return switch (this) {
                case ACCURACY -> "accuracy";
                case F1 -> "F1";
                case MACRO_F1 -> "macro F1";
                case MATTHEWS -> "Matthews";
                case PEARSON -> "Pearson";
                case SPEARMAN -> "Spearman";
            };
        }

        /** Whether it is of numbers and not of classes. */
        public boolean isOfNumbers() {
            return this == PEARSON || this == SPEARMAN;
        }

        /** NaN where it is not defined: a correlation where all numbers of one side are equal. */
        public double of(Predictions predictions) {
            if (!predictions.areFinite()) {
                return Double.NaN;
            }
            return switch (this) {
                case ACCURACY -> predictions.labelScores().accuracy();
                case F1 -> predictions.labelScores().f1("1");
                case MACRO_F1 -> predictions.labelScores().macroF1();
                case MATTHEWS -> predictions.labelScores().matthews();
                case PEARSON -> predictions.correlation().pearson();
                case SPEARMAN -> predictions.correlation().spearman();
            };
        }
    }

    /** Requires kinds that go with the labels: F1 with two classes, correlations with numbers. */
    public ClassifierMeasure {
        kinds = List.copyOf(kinds);
        for (Kind kind : kinds) {
            if (kind.isOfNumbers() != labels.regression() || kind == Kind.F1 && labels.count() != 2) {
                throw new LoraException(kind.title() + " is a measure of " + (kind.isOfNumbers() ? "numbers"
                        : kind == Kind.F1 ? "two classes" : "classes") + ", and these are "
                        + (labels.regression() ? "numbers" : labels.count() + " classes"));
            }
        }
    }

    /** What says most of labels that nobody has said more of: accuracy and F1, or the two correlations. */
    public static ClassifierMeasure usual(Labels labels) {
        return new ClassifierMeasure(labels, labels.regression() ? List.of(Kind.PEARSON, Kind.SPEARMAN)
                : List.of(Kind.ACCURACY, labels.count() == 2 ? Kind.F1 : Kind.MACRO_F1));
    }

    @Override
    public String name() {
        return kinds.getFirst().text();
    }

    @Override
    public Direction direction() {
        return Direction.HIGHER_IS_BETTER;
    }

    @Override
    public double of(TrainableModel<LabelledBatch> model, List<LabelledBatch> batches, Workspace ws, IntConsumer done) {
        return measured(model, batches, ws, done).value();
    }

    /** The value in training is 0 where a correlation is not defined, since what never changes follows nothing. */
    @Override
    public Measured measured(TrainableModel<LabelledBatch> model, List<LabelledBatch> batches, Workspace ws, IntConsumer done) {
        if (!(model instanceof Classifier<LabelledBatch> classifier)) {
            throw new LoraException(model.description() + " does not classify, so its " + name() + " cannot be measured");
        }
        Predictions predictions = Predictions.of(classifier, labels, batches, ws, done);
        Map<String, Double> named = new LinkedHashMap<>(of(predictions));
        named.put(MeanLoss.NAME, predictions.loss());
        double value = named.get(name());
        boolean undefined = Double.isNaN(value) && predictions.areFinite();
        return new Measured(undefined ? 0 : value, named);
    }

    /** All of them by their names, the first one first. */
    public Map<String, Double> of(Predictions predictions) {
        Map<String, Double> named = new LinkedHashMap<>();
        kinds.forEach(kind -> named.put(kind.text(), kind.of(predictions)));
        return named;
    }
}
