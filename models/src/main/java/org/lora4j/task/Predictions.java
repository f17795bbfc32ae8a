package org.lora4j.task;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.lora4j.backend.Backend;
import org.lora4j.data.EncodedText;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.Labels;
import org.lora4j.model.Classifier;
import org.lora4j.nn.Workspace;

/**
 * What a classifier says of some texts, and what people said:
 *
 * <pre>
 *   probabilities   p = softmax(z)             z: the scores of a text
 *   prediction      the class with the highest score, the first of equal ones; in regression z itself
 *   loss            −log p_label, or (z − label)²
 * </pre>
 */
public final class Predictions {

    private final Labels labels;
    private final double[][] scores;
    private final double[] gold;

    /**
     * Scores beside what is right.
     *
     * @param labels what the scores stand for
     * @param scores one row for each text; not copied
     * @param gold   the number of its class or its value, NaN where none is known; as many; not copied
     */
    public Predictions(Labels labels, double[][] scores, double[] gold) {
        if (scores.length != gold.length) {
            throw new IllegalArgumentException(scores.length + " rows of scores for " + gold.length + " labels");
        }
        this.labels = labels;
        this.scores = scores;
        this.gold = gold;
    }

    /** Of batches, in their order. */
    public static Predictions of(
            Classifier<LabelledBatch> model, Labels labels, List<LabelledBatch> batches, Workspace ws, IntConsumer done) {
        int size = batches.stream().mapToInt(LabelledBatch::size).sum();
        double[][] scores = new double[size][];
        double[] gold = new double[size];
        Arrays.fill(gold, Double.NaN);
        int at = 0;
        for (int i = 0; i < batches.size(); i++) {
            LabelledBatch batch = batches.get(i);
            double[][] rows = scores(model, batch, ws);
            System.arraycopy(rows, 0, scores, at, rows.length);
            if (batch.labels() != null) {
                System.arraycopy(batch.labels(), 0, gold, at, batch.size());
            }
            at += batch.size();
            done.accept(i + 1);
        }
        return new Predictions(labels, scores, gold);
    }

    /**
     * Of texts, in their order; those of about one length are computed together.
     *
     * @param batchSize texts at a time
     * @param done      is told how many texts are behind
     */
    public static Predictions of(
            Classifier<LabelledBatch> model, Labels labels, Classification objective, List<EncodedText> texts, int batchSize,
            IntConsumer done) {
        int longest = texts.stream().mapToInt(EncodedText::length).max().orElse(1);
        Workspace ws = Workspace.forInference(model.backend(), (long) Math.min(batchSize, Math.max(1, texts.size())) * longest);
        int[] order = IntStream.range(0, texts.size()).boxed()
                .sorted(Comparator.comparingInt(i -> texts.get(i).length())).mapToInt(i -> i).toArray();
        double[][] scores = new double[texts.size()][];
        for (int from = 0; from < order.length; from += batchSize) {
            int to = Math.min(from + batchSize, order.length);
            double[][] rows = scores(model,
                    objective.batch(IntStream.range(from, to).mapToObj(i -> texts.get(order[i])).toList()), ws);
            for (int i = from; i < to; i++) {
                scores[order[i]] = rows[i - from];
            }
            done.accept(to);
        }
        return new Predictions(labels, scores, texts.stream().mapToDouble(EncodedText::label).toArray());
    }

    /** Of several parts with the same labels, one behind the other. */
    public static Predictions joined(Labels labels, List<Predictions> parts) {
        return new Predictions(labels, parts.stream().flatMap(part -> Arrays.stream(part.scores)).toArray(double[][]::new),
                parts.stream().flatMapToDouble(part -> Arrays.stream(part.gold)).toArray());
    }

    private static double[][] scores(Classifier<LabelledBatch> model, LabelledBatch batch, Workspace ws) {
        Backend backend = model.backend();
        double[] all = backend.readDoubles(model.scores(batch, ws));
        int count = model.labels();
        double[][] rows = new double[batch.size()][];
        Arrays.setAll(rows, b -> Arrays.copyOfRange(all, b * count, (b + 1) * count));
        return rows;
    }

    /** How many texts. */
    public int size() {
        return scores.length;
    }

    /** What the scores stand for. */
    public Labels labels() {
        return labels;
    }

    /** The number of a text's class, or its value, as people said; NaN where nobody did. */
    public double gold(int text) {
        return gold[text];
    }

    /** The number of the class, or the value. */
    public double predicted(int text) {
        double[] row = scores[text];
        if (labels.regression()) {
            return row[0];
        }
        int best = 0;
        for (int k = 1; k < row.length; k++) {
            best = row[k] > row[best] ? k : best;
        }
        return best;
    }

    /** p of each class. */
    public double[] probabilities(int text) {
        double[] row = scores[text];
        double largest = Arrays.stream(row).max().orElseThrow();
        double[] p = Arrays.stream(row).map(score -> Math.exp(score - largest)).toArray();
        double sum = Arrays.stream(p).sum();
        return Arrays.stream(p).map(value -> value / sum).toArray();
    }

    /** What the text's label costs. */
    public double loss(int text) {
        double[] row = scores[text];
        if (labels.regression()) {
            return (row[0] - gold[text]) * (row[0] - gold[text]);
        }
        double largest = Arrays.stream(row).max().orElseThrow();
        double sum = Arrays.stream(row).map(score -> Math.exp(score - largest)).sum();
        return largest + Math.log(sum) - row[(int) gold[text]];
    }

    /** The mean of all texts' losses. */
    public double loss() {
        return IntStream.range(0, size()).mapToDouble(this::loss).sum() / size();
    }

    /** Whether every score is a number. */
    public boolean areFinite() {
        return Arrays.stream(scores).flatMapToDouble(Arrays::stream).allMatch(Double::isFinite);
    }

    /** How often a text of class g (rows) was taken for one of class p (columns). */
    public int[][] confusion() {
        if (labels.regression()) {
            throw new IllegalStateException("a regression has no classes");
        }
        int[][] counts = new int[labels.count()][labels.count()];
        for (int i = 0; i < size(); i++) {
            counts[(int) gold[i]][(int) predicted(i)]++;
        }
        return counts;
    }

    /** The texts by how much their labels cost, the dearest first: where the model is wrong and sure of it. */
    public int[] hardest(int most) {
        return IntStream.range(0, size()).boxed().sorted(Comparator.comparingDouble((Integer i) -> loss(i)).reversed())
                .limit(most).mapToInt(i -> i).toArray();
    }

    /** Accuracy and its like, of the classes' numbers. */
    public LabelScores labelScores() {
        return LabelScores.of(numbers(this::predicted), numbers(this::gold));
    }

    private List<String> numbers(IntToDoubleFunction number) {
        return IntStream.range(0, size()).mapToObj(i -> Integer.toString((int) number.applyAsDouble(i))).toList();
    }

    /** Pearson's and Spearman's, of the values. */
    public Correlation correlation() {
        return Correlation.of(IntStream.range(0, size()).mapToDouble(this::predicted).toArray(), gold.clone());
    }
}
