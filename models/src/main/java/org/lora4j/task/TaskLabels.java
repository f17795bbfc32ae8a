package org.lora4j.task;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.LabelledText;
import org.lora4j.data.Place;
import org.lora4j.family.Labels;

/**
 * From the labels that a file has to the numbers that a classifier learns: which classes there are, and which number each
 * has.
 *
 * <pre>
 *   names                   classes, in the order of their characters
 *   whole numbers           classes, in the order of the numbers; 1, 01 and 1.0 are one of them
 *   numbers with decimals   a regression, whose labels are the numbers themselves
 * </pre>
 */
public final class TaskLabels {

    private static final int MOST_SHOWN = 8;

    private final Labels labels;

    /** Of labels that are known. */
    public TaskLabels(Labels labels) {
        this.labels = labels;
    }

    /**
     * What the labels of these examples are. Every one of them is looked at.
     *
     * @throws LoraException if one has no label, or all have the same one
     */
    public static TaskLabels of(List<LabelledText> train) {
        Set<String> found = found(train);
        if (found.stream().noneMatch(label -> Double.isNaN(number(label)))) {
            if (found.stream().anyMatch(label -> number(label) != Math.rint(number(label)))) {
                return new TaskLabels(Labels.NUMBER);
            }
            found = found.stream().map(TaskLabels::number).distinct().sorted().map(Names::number)
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        } else {
            found = new TreeSet<>(found);
        }
        requireSeveral(train, found);
        return new TaskLabels(Labels.of(List.copyOf(found)));
    }

    private static Set<String> found(List<LabelledText> train) {
        Set<String> found = new LinkedHashSet<>();
        for (int i = 0; i < train.size(); i++) {
            found.add(required(train.get(i), i));
        }
        return found;
    }

    private static void requireSeveral(List<LabelledText> train, Set<String> found) {
        if (found.size() < 2) {
            throw new LoraException(Names.oneLine("all " + train.size() + " examples have the label "
                    + Names.quoted(found.iterator().next()) + ": there is nothing to tell apart. Is it the right column "
                    + "(`labelColumn`)?"));
        }
    }

    private static String required(LabelledText text, int index) {
        if (text.label() == null) {
            throw new LoraException(text.placeOr(index + 1) + ": has no label, so there is nothing to learn from it or to compare "
                    + "with. Is it the right column (`labelColumn`)?");
        }
        return text.label();
    }

    /** NaN where it is none, or not finite. */
    private static double number(String label) {
        try {
            double number = Double.parseDouble(label);
            boolean plain = !label.isEmpty() && "+-.0123456789".indexOf(label.charAt(0)) >= 0
                    && Character.isDigit(label.charAt(label.length() - 1));
            return plain && Double.isFinite(number) ? number + 0.0 : Double.NaN; // not 1f or 0x1p3, and no −0
        } catch (NumberFormatException e) {
            return Double.NaN;
        }
    }

    /** What they are. */
    public Labels labels() {
        return labels;
    }

    /**
     * The number of an example's class, or its value.
     *
     * @param index  of the example among its like, for messages
     * @param source what knows the labels, for messages: {@code the training data}
     * @throws LoraException if it has no label, or one that is not known
     */
    public double of(LabelledText text, int index, String source) {
        String label = required(text, index);
        double number = number(label);
        if (labels.regression()) {
            if (Double.isNaN(number)) {
                throw new LoraException(Names.oneLine(text.placeOr(index + 1) + ": has the label " + Names.quoted(label)
                        + ", expected a number: " + source + " has numbers, so this is a regression"));
            }
            return number;
        }
        int found = labels.names().indexOf(label);
        if (found < 0 && !Double.isNaN(number)) {
            found = labels.names().indexOf(Names.number(number));
            if (found < 0 && labels.isNumbered() && isCount(number)) {
                found = (int) number; // LABEL_1 is nobody's name for a class
            }
        }
        if (found < 0) {
            throw unknown(text.placeOr(index + 1), label, source);
        }
        return found;
    }

    private boolean isCount(double number) {
        return number == Math.rint(number) && number >= 0 && number < labels.names().size();
    }

    private LoraException unknown(Place place, String label, String source) {
        List<String> nearest = Names.nearest(label, labels.names(), 1);
        return new LoraException(Names.oneLine(place + ": has the label " + Names.quoted(label) + ", which " + source
                + " does not have; there " + (nearest.isEmpty() ? "are " + Names.some(labels.names(), MOST_SHOWN)
                        : "is " + nearest.getFirst() + " (nearest)")));
    }
}
