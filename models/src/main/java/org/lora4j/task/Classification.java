package org.lora4j.task;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedText;
import org.lora4j.data.LabelledBatch;

/**
 * Learns to say which class a text is of, or which number belongs to it:
 *
 * <pre>
 *   classes       L = −1/n · Σ log softmax(z)_label          z: the scores of the text
 *   regression    L =  1/n · Σ (z − label)²                  n: the texts
 * </pre>
 *
 * @param padding    the id that fills shorter texts up, see {@link org.lora4j.family.SequenceClassifier#paddingId}
 * @param regression whether labels are numbers
 */
public record Classification(int padding, boolean regression) implements Objective<EncodedText, LabelledBatch> {

    @Override
    public String name() {
        return regression ? "regression" : "classification";
    }

    @Override
    public int length(EncodedText example) {
        return example.length();
    }

    @Override
    public LabelledBatch batch(List<EncodedText> examples) {
        int size = examples.size();
        int length = examples.stream().mapToInt(EncodedText::length).max().orElse(0);
        boolean padded = examples.stream().anyMatch(example -> example.length() < length);
        boolean typed = examples.stream().anyMatch(example -> Arrays.stream(example.typeIds()).anyMatch(type -> type != 0));
        int[] ids = new int[size * length];
        Arrays.fill(ids, padding);
        int @Nullable [] mask = padded ? new int[size * length] : null;
        int @Nullable [] types = typed ? new int[size * length] : null;
        for (int b = 0; b < size; b++) {
            EncodedText example = examples.get(b);
            int row = b * length;
            System.arraycopy(example.ids(), 0, ids, row, example.length());
            if (mask != null) {
                Arrays.fill(mask, row, row + example.length(), 1);
            }
            if (types != null) {
                System.arraycopy(example.typeIds(), 0, types, row, example.length());
            }
        }
        double[] labels = examples.stream().mapToDouble(EncodedText::label).toArray();
        boolean known = Arrays.stream(labels).noneMatch(Double::isNaN);
        return new LabelledBatch(new Batch(size, length, ids, mask, types, null), known ? labels : null);
    }

    /** All examples once, sorted by length so that little is padded: for evaluation, where order does not matter. */
    public List<LabelledBatch> byLength(List<EncodedText> examples, int batchSize) {
        List<EncodedText> sorted = new ArrayList<>(examples);
        sorted.sort(Comparator.comparingInt(EncodedText::length));
        List<LabelledBatch> batches = new ArrayList<>();
        for (int from = 0; from < sorted.size(); from += batchSize) {
            batches.add(batch(sorted.subList(from, Math.min(from + batchSize, sorted.size()))));
        }
        return batches;
    }

    @Override
    public long targets(LabelledBatch batch) {
        return batch.size();
    }

    @Override
    public long tokens(LabelledBatch batch) {
        return batch.sequences().tokens();
    }

    @Override
    public long rows(LabelledBatch batch) {
        return batch.sequences().inputIds().length;
    }
}
