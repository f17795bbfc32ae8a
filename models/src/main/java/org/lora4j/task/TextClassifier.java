package org.lora4j.task;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.adapters.AdapterHead;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.data.LabelledText;
import org.lora4j.data.TextEncoder;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.tokenizer.Tokenizer;

/**
 * A classifier to be asked: a model whose folder has its head, or a base with an adapter that brings the head along, and its
 * tokenizer.
 *
 * <pre>{@code
 * TextClassifier classifier = TextClassifier.load(Path.of("roberta-base"), Path.of("my-sst2"), backend);
 * Predictions said = classifier.judge(List.of(new LabelledText("A film to remember.", null, null)), 32);
 * String label = classifier.labels().names().get((int) said.predicted(0));
 * double[] probabilities = said.probabilities(0);
 * }</pre>
 *
 * <p>Which labels there are the adapter says, else the folder's {@code config.json}. Texts are cut to the length that it was
 * trained with, where it says so ({@link TaskFormat}). For one thread at a time, as its backend is.
 */
public final class TextClassifier {

    private final SequenceClassifier model;
    private final Classification objective;
    private final TextEncoder encoder;

    private TextClassifier(SequenceClassifier model, TextEncoder encoder) {
        this.model = model;
        this.encoder = encoder;
        objective = new Classification(model.paddingId(), model.answers().regression());
    }

    /** A model whose folder has a head. */
    public static TextClassifier load(Path folder, Backend backend) {
        return load(folder, null, backend);
    }

    /** @param adapter its folder; null for a model whose own folder has the head */
    public static TextClassifier load(Path folder, @Nullable Path adapter, Backend backend) {
        return load(folder, adapter, 0, backend, WeightType.FLOAT32, remark -> { });
    }

    /**
     * The same, told more.
     *
     * @param longest tokens of a text; 0 for what it was trained with, else the model's positions
     * @param type    how the base's weight matrices are held in memory
     * @param remarks is told what a user should know
     * @throws LoraException if neither has a head, since scores would be noise, or a file is missing or malformed
     */
    public static TextClassifier load(
            Path folder, @Nullable Path adapter, int longest, Backend backend, WeightType type, Consumer<String> remarks) {
        ClassifierHead head = adapter == null ? ClassifierHead.asStored() : ClassifierHead.forAdapter(adapter, folder);
        List<String> found = new ArrayList<>(); // of a head that is new there is more to say than a remark
        SequenceClassifier model = Families.classifier(folder, backend, head, BaseDropout.NONE, type, found::add);
        Map<String, String> metadata;
        if (adapter == null) {
            requireHead(model, folder);
            found.forEach(remarks);
            metadata = Families.metadata(folder);
        } else {
            AdapterHead.require(model, adapter);
            found.forEach(remarks);
            MethodFolder.attach(model, adapter, remarks).freeze();
            metadata = PeftFormat.metadata(adapter);
        }
        int trained = TaskFormat.of(metadata).map(TaskFormat::longest).orElse(Integer.MAX_VALUE);
        int most = Math.min(longest > 0 ? longest : trained, model.sizes().positions() - model.specialTokens());
        Tokenizer tokenizer = Families.tokenizer(folder);
        return new TextClassifier(model, new TextEncoder(tokenizer, model.sizes().vocabulary(), most));
    }

    private static void requireHead(SequenceClassifier model, Path folder) {
        if (model.hasNewHead()) {
            throw new LoraException(Names.oneLine(folder + ": has no head that classifies sequences, so its scores would be noise. "
                    + "Train one, or give the `adapter` that was trained on it"));
        }
    }

    /** What it can say. */
    public Labels labels() {
        return model.answers();
    }

    /** The model; nothing of it trains. */
    public SequenceClassifier model() {
        return model;
    }

    /** Makes tokens of texts, cut to the length that it was trained with. */
    public TextEncoder encoder() {
        return encoder;
    }

    /**
     * Judges texts, whose labels play no part.
     *
     * @param batchSize texts at a time
     */
    public Predictions judge(List<LabelledText> texts, int batchSize) {
        return judge(encoder.encode(texts), batchSize, done -> { });
    }

    /**
     * Judges texts that were encoded, those of about one length together.
     *
     * @param done is told how many are behind
     * @throws LoraException if a score is not finite
     */
    public Predictions judge(TextEncoder.Result texts, int batchSize, IntConsumer done) {
        Predictions predictions = Predictions.of(model, model.answers(), objective, texts.examples(), batchSize, done);
        if (!predictions.areFinite()) {
            throw new LoraException("some scores are not finite: the model's weights, or the adapter's, hold values that are not "
                    + "finite. Take another copy of them");
        }
        return predictions;
    }
}
