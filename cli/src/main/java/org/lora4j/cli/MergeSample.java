package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.adapters.StoredAdapter;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Workspace;

/**
 * What base + adapter and the merged model compute of the same tokens: the logits of each position, or of a classifier the scores
 * of each sequence.
 *
 * @param head which head a classifier has; null for a language model
 */
record MergeSample(List<Batch> batches, BackendChoice backend, Ui ui, ClassifierHead head) {

    /** How the sample's logits or scores changed by writing the merged weights; positions are rows. */
    record Change(double largest, double mean, double relative, double sameTop, int positions) {
    }

    /** Of the base with the adapter attached. */
    List<double[]> withAdapter(Path folder, StoredAdapter stored) {
        try (Backend b = backend.open()) {
            Model loaded = head == null ? Families.load(folder, b, 0, WeightType.FLOAT32, ui::warnOnce)
                    : Families.classifier(folder, b, head, BaseDropout.NONE, WeightType.FLOAT32, ui::warnOnce);
            PeftFormat.load(loaded, stored.path(), stored.config(), stored.source(), ui::info).freeze();
            return compute(loaded);
        }
    }

    /** Of a model as it stands in a folder. */
    List<double[]> of(Path folder) {
        try (Backend b = backend.open()) {
            return compute(head == null ? Families.load(folder, b)
                    : Families.classifier(folder, b, ClassifierHead.asStored().withSeed(head.seed()), BaseDropout.NONE,
                            WeightType.FLOAT32, remark -> { }));
        }
    }

    private List<double[]> compute(Model loaded) {
        Backend b = loaded.backend();
        List<double[]> all = new ArrayList<>();
        for (Batch batch : batches) {
            Workspace ws = Workspace.forInference(b, batch.inputIds().length);
            all.add(b.readDoubles(loaded instanceof SequenceClassifier classifier
                    ? classifier.scores(new LabelledBatch(batch, null), ws) : ((LanguageModel) loaded).logits(batch, ws)));
        }
        return all;
    }

    Change change(List<double[]> expected, List<double[]> found) {
        double largest = 0;
        double sum = 0;
        double size = 0;
        int sameTop = 0;
        int rows = 0;
        long count = 0;
        for (int i = 0; i < expected.size(); i++) {
            double[] a = expected.get(i);
            double[] b = found.get(i);
            int length = a.length / (head == null ? batches.get(i).inputIds().length : batches.get(i).size());
            for (int at = 0; at < a.length; at += length) {
                int topA = at;
                int topB = at;
                for (int j = at; j < at + length; j++) {
                    largest = Math.max(largest, Math.abs(a[j] - b[j]));
                    sum += Math.abs(a[j] - b[j]);
                    size = Math.max(size, Math.abs(a[j]));
                    topA = a[j] > a[topA] ? j : topA;
                    topB = b[j] > b[topB] ? j : topB;
                }
                sameTop += topA == topB ? 1 : 0;
                rows++;
            }
            count += a.length;
        }
        return new Change(largest, sum / count, size == 0 ? 0 : largest / size, (double) sameTop / rows, rows);
    }
}
