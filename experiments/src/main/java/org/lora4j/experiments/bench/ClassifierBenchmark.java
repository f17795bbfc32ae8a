package org.lora4j.experiments.bench;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.LabelledText;
import org.lora4j.data.TextColumns;
import org.lora4j.data.TextEncoder;
import org.lora4j.data.TextsFile;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.nn.Workspace;
import org.lora4j.task.Classification;
import org.lora4j.task.Predictions;

/**
 * The classification of texts, from their letters to the labels: the next batch in each run, those of about one length together,
 * the shortest first and then again, so that another program can take the same turn. Two labels; a folder without a head gets a
 * new one, since time does not depend on what the scores are.
 */
final class ClassifierBenchmark {

    private static final Labels LABELS = Labels.numbered(2);

    private ClassifierBenchmark() {
    }

    /**
     * @param count the first so many texts of the file
     * @param size  texts in a batch
     */
    static Runnable inTurn(Backend backend, Path folder, String file, int count, int size) {
        SequenceClassifier model = Families.classifier(
                folder, backend, ClassifierHead.of(LABELS).withSeed(1), BaseDropout.NONE, WeightType.FLOAT32, remark -> { });
        TextEncoder encoder = new TextEncoder(Families.tokenizer(folder), model.sizes().vocabulary(), model.sizes().positions());
        List<LabelledText> texts = texts(file, count);
        int[] lengths = encoder.encode(texts).examples().stream().mapToInt(text -> text.length()).toArray();
        List<LabelledText> sorted = IntStream.range(0, texts.size()).boxed().sorted(Comparator.comparingInt(i -> lengths[i]))
                .map(texts::get).toList();
        Classification objective = new Classification(model.paddingId(), false);
        Workspace ws = Workspace.forInference(backend, (long) size * IntStream.of(lengths).max().orElseThrow());
        int[] turn = new int[1];
        int batches = Math.ceilDiv(count, size);
        return () -> {
            int from = turn[0]++ % batches * size;
            TextEncoder.Result encoded = encoder.encode(sorted.subList(from, Math.min(from + size, count)));
            Predictions said = Predictions.of(model, LABELS, List.of(objective.batch(encoded.examples())), ws, done -> { });
            for (int i = 0; i < said.size(); i++) {
                said.probabilities(i);
            }
        };
    }

    private static List<LabelledText> texts(String file, int count) {
        try (TextsFile opened = TextsFile.open(file, TextColumns.USUAL)) {
            List<LabelledText> texts = opened.next(count, Long.MAX_VALUE);
            if (texts.size() < count) {
                throw new LoraException(file + ": has " + texts.size() + " texts, expected " + count);
            }
            return texts;
        }
    }
}
