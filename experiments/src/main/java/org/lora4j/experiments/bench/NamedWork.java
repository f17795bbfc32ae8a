package org.lora4j.experiments.bench;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Work by the words that name it, prepared when it is first asked for and kept, so that a program which holds several
 * processes can let them take turns with the same work:
 *
 * <pre>
 *   product MxKxN FORM                      FORM as x·Wᵀ
 *   step SHAPE BATCH LENGTH METHOD LOSS TYPE      a training step: lora, lora:RANK:PLACES or full, loss on all or half; behind
 *                                                 TYPE perhaps the dropout of a classifier
 *   decode SHAPE LENGTH TYPE                LENGTH tokens behind a prompt
 *   weights SHAPE TYPE                      a sum over as many bytes as a token of decode reads
 *   classify BATCH COUNT FOLDER FILE        a batch of the file's first COUNT texts, the next in each run; no spaces in names
 *   e2e BATCH STEPS PAD                     one of STEPS steps on E2E, the next in each run; PAD 0 for none
 * </pre>
 *
 * TYPE is that of the base's weights.
 */
public final class NamedWork {

    private static final int RANK = 4;

    private final Backend backend;
    private final Map<String, Work> prepared = new HashMap<>();
    private final Map<String, LanguageModel> models = new HashMap<>();
    private final Map<String, Supplier<Work>> others = new HashMap<>();

    /** Work on this backend. */
    public NamedWork(Backend backend) {
        this.backend = backend;
    }

    /** Work that this class does not know. */
    public void add(String name, Supplier<Work> work) {
        others.put(name, work);
    }

    /**
     * The work that words such as {@code LoRA step} name, with its inputs made.
     *
     * @throws LoraException if the words name no work
     */
    public Work get(String words) {
        return prepared.computeIfAbsent(words, this::prepare);
    }

    private Work prepare(String words) {
        Supplier<Work> other = others.get(words);
        if (other != null) {
            return other.get();
        }
        String[] word = words.split(" ");
        try {
            return switch (word[0]) {
                case "product" -> ProductBenchmark.work(
                        backend, word[1], words.substring(word[0].length() + word[1].length() + 2));
                case "step" -> step(word);
                case "decode" -> decode(word);
                case "weights" -> weights(word);
                case "classify" -> new Work(number(word[1]), "texts", ClassifierBenchmark.inTurn(
                        backend, Path.of(word[3]), word[4], number(word[2]), number(word[1])));
                case "e2e" -> new Work(number(word[1]), "examples",
                        E2eBenchmark.inTurn(backend, RANK, number(word[1]), number(word[2]), number(word[3])));
                default -> throw unknown(words);
            };
        } catch (ArrayIndexOutOfBoundsException | StringIndexOutOfBoundsException | IllegalArgumentException e) {
            throw unknown(words);
        }
    }

    private Work step(String[] word) {
        int size = number(word[2]);
        int length = number(word[3]);
        String[] method = word[4].toUpperCase(Locale.ROOT).split(":");
        AdaptersBenchmark.Places places = method.length > 2
                ? AdaptersBenchmark.Places.valueOf(method[2]) : AdaptersBenchmark.Places.QV;
        return new Work((double) size * length, "tokens", StepBenchmark.step(
                backend, Families.shape(word[1]), type(word[6]), new StepBenchmark.Setting(
                        StepBenchmark.Method.valueOf(method[0]), places, method.length > 1 ? number(method[1]) : RANK,
                        StepBenchmark.Loss.valueOf(word[5].toUpperCase(Locale.ROOT)), false,
                        word.length > 7 ? Double.parseDouble(word[7]) : 0),
                size, length));
    }

    private Work decode(String[] word) {
        LanguageModel model = model(word[1], type(word[3]));
        return new Work(number(word[2]), "tokens", DecodeBenchmark.decoding(model, number(word[2])));
    }

    private Work weights(String[] word) {
        long bytes = DecodeBenchmark.bytesPerToken(model(word[1], type(word[2])), type(word[2]));
        Tensor asMany = backend.allocate(Shape.of(Math.toIntExact(bytes / Float.BYTES)));
        return new Work(1, "tokens", () -> backend.sum(asMany));
    }

    /** The same for every work that only reads it. */
    private LanguageModel model(String shape, WeightType type) {
        ModelConfig config = Families.shape(shape);
        return models.computeIfAbsent(shape + " " + type, name -> Families.random(config, backend, 1, type));
    }

    private static WeightType type(String word) {
        return WeightType.valueOf(word.toUpperCase(Locale.ROOT));
    }

    private static int number(String word) {
        return Integer.parseInt(word);
    }

    private static LoraException unknown(String words) {
        return new LoraException("work '" + words + "': expected product MxKxN FORM, step SHAPE BATCH LENGTH METHOD LOSS TYPE "
                + "[DROPOUT], decode SHAPE LENGTH TYPE, weights SHAPE TYPE, classify BATCH COUNT FOLDER FILE or e2e BATCH STEPS PAD");
    }
}
