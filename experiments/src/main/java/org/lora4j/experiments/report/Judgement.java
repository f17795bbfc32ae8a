package org.lora4j.experiments.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Place;
import org.lora4j.task.Predictions;

/**
 * How a classifier judged some texts: how often it took which class for which, how well it knows each, and the texts whose
 * labels cost it most.
 *
 * @param labels    the classes in the order of the scores; empty in regression
 * @param confusion how often a text of a class (rows) was taken for one of a class (columns)
 * @param classes   a line for each class
 * @param hardest   the dearest first
 * @param values    in regression, of each text
 * @param texts     how many were judged
 */
public record Judgement(
        List<String> labels, List<List<Integer>> confusion, List<ClassScore> classes, List<Hard> hardest, List<Value> values,
        int texts) {

    private static final int HARDEST = 12;

    /** Keeps its own lists. */
    public Judgement {
        labels = List.copyOf(labels);
        confusion = List.copyOf(confusion);
        classes = List.copyOf(classes);
        hardest = List.copyOf(hardest);
        values = List.copyOf(values);
    }

    /** A number that people said of a text, and the one that the model says. */
    public record Value(double said, double found) {
    }

    /**
     * A class against all others; NaN where there is nothing to divide by.
     *
     * @param precision the share of right ones among the texts that were said to be of it
     * @param recall    the share of those found among the texts that are of it
     * @param f1        their harmonic mean
     * @param count     texts that are of it
     */
    public record ClassScore(String label, double precision, double recall, double f1, int count) {
    }

    /**
     * A text that the model finds hard.
     *
     * @param second empty where there is one text
     * @param said   what people said: the class, or the number
     * @param found  what the model says
     * @param sure   its probability; NaN in regression
     * @param place  where the text stands; empty where nobody knows
     */
    public record Hard(String first, String second, String said, String found, double sure, String place) {
    }

    /**
     * What a classifier said of a test set, with the texts of which it was surest and wrong.
     *
     * @param texts in the order of the predictions
     */
    public static Judgement of(Predictions predictions, List<LabelledText> texts) {
        boolean regression = predictions.labels().regression();
        List<String> labels = predictions.labels().names();
        int[][] counts = regression ? new int[0][] : predictions.confusion();
        List<ClassScore> classes = new ArrayList<>();
        for (int k = 0; k < labels.size(); k++) {
            classes.add(score(labels.get(k), counts, k));
        }
        List<Hard> hardest = Arrays.stream(predictions.hardest(HARDEST)).mapToObj(i -> hard(predictions, texts.get(i), i)).toList();
        List<Value> values = regression ? IntStream.range(0, predictions.size())
                .mapToObj(i -> new Value(predictions.gold(i), predictions.predicted(i))).toList() : List.of();
        return new Judgement(labels, Arrays.stream(counts).map(row -> Arrays.stream(row).boxed().toList()).toList(), classes,
                hardest, values, predictions.size());
    }

    private static ClassScore score(String label, int[][] counts, int k) {
        int right = counts[k][k];
        int said = Arrays.stream(counts).mapToInt(row -> row[k]).sum();
        int are = Arrays.stream(counts[k]).sum();
        return new ClassScore(label, (double) right / said, (double) right / are, 2.0 * right / (said + are), are);
    }

    private static Hard hard(Predictions predictions, LabelledText text, int i) {
        Place place = text.place();
        String second = text.second() == null ? "" : text.second();
        String where = place == null ? "" : place.toString();
        if (predictions.labels().regression()) {
            return new Hard(text.first(), second, Words.decimal(predictions.gold(i), 2), Words.decimal(predictions.predicted(i), 2),
                    Double.NaN, where);
        }
        List<String> labels = predictions.labels().names();
        int found = (int) predictions.predicted(i);
        return new Hard(text.first(), second, labels.get((int) predictions.gold(i)), labels.get(found),
                predictions.probabilities(i)[found], where);
    }

    /** Two classes that are taken for each other. */
    public record Confused(String said, String found, int count) {
    }

    /** The commonest mistakes, for classes that are too many for a table. */
    public List<Confused> mistakes(int most) {
        List<Confused> mistakes = new ArrayList<>();
        for (int g = 0; g < labels.size(); g++) {
            for (int p = 0; p < labels.size(); p++) {
                if (g != p && confusion.get(g).get(p) > 0) {
                    mistakes.add(new Confused(labels.get(g), labels.get(p), confusion.get(g).get(p)));
                }
            }
        }
        mistakes.sort(Comparator.comparingInt(Confused::count).reversed());
        return mistakes.subList(0, Math.min(most, mistakes.size()));
    }
}
