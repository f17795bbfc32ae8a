package org.lora4j.cli;

import java.nio.file.Path;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.TextEncoder;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.task.Classification;
import org.lora4j.task.Predictions;
import org.lora4j.train.TaskFormat;

/**
 * A classifier to be used: a model whose folder has its head, or a base with an adapter that brings the head along. Which labels
 * there are the adapter says, else the folder's {@code config.json}.
 *
 * @param model   nothing of it trains
 * @param encoder of texts, cut to the length that it was trained with
 */
record TrainedClassifier(SequenceClassifier model, TextEncoder encoder) {

    /**
     * Loads it.
     *
     * @param adapter   its folder; null for none
     * @param maxLength asked for; 0 for the length that it was trained with, else the model's positions
     * @throws LoraException if neither has a head, since scores would be noise
     */
    static TrainedClassifier load(ModelChoice model, Path adapter, int maxLength, Backend backend, Ui ui) {
        Path folder = model.folder();
        ClassifierHead head = adapter == null ? ClassifierHead.asStored() : ClassifierHead.forAdapter(adapter, folder);
        SequenceClassifier loaded = Families.classifier(folder, backend, head, BaseDropout.NONE, model.heldIn(), ui::warnOnce);
        if (adapter == null) {
            requireHead(loaded, folder);
        } else {
            AdapterHead.require(loaded, adapter);
            PeftFormat.load(loaded, adapter, ui::info).freeze();
        }
        Map<String, String> metadata = adapter == null ? Families.metadata(folder) : PeftFormat.metadata(adapter);
        int trained = TaskFormat.of(metadata).map(TaskFormat::longest).orElse(Integer.MAX_VALUE);
        int longest = Math.min(maxLength > 0 ? maxLength : trained, loaded.sizes().positions());
        return new TrainedClassifier(loaded, new TextEncoder(model.tokenizer(), loaded.sizes().vocabulary(), longest));
    }

    private static void requireHead(SequenceClassifier model, Path folder) {
        if (model.hasNewHead()) {
            throw new LoraException(Names.oneLine(folder + ": has no head that classifies sequences, so its scores would be noise. "
                    + "Train one (train --task), or give the adapter that was trained on it (`adapter`)"));
        }
    }

    /** Judges texts, those of about one length together, with a progress bar. */
    Predictions judge(TextEncoder.Result texts, int batchSize, String task, Ui ui) {
        Classification objective = new Classification(model.paddingId(), model.answers().regression());
        try (Progress progress = ui.progress(task)) {
            progress.start(texts.examples().size());
            Predictions predictions = Predictions.of(
                    model, model.answers(), objective, texts.examples(), batchSize, done -> progress.update(done, ""));
            if (!predictions.areFinite()) {
                throw new LoraException("some scores are not finite: the model's weights, or the adapter's, hold values that are not "
                        + "finite. Take another copy of them");
            }
            return predictions;
        }
    }
}
