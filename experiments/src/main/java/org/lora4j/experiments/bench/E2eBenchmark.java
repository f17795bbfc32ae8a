package org.lora4j.experiments.bench;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.LengthGroupedBatches.Cursor;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.bench.Measurement.Runs;
import org.lora4j.experiments.data.E2e;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * The main job's training: E2E on the embedded base, LoRA on q and v. A run is one pass over a sample, pairs at
 * equal distances in the training set, so that another program can train on the very same pairs.
 *
 * <p>With {@code pad} every sequence is as long as that, nothing is masked, and the logits of all its positions are made,
 * as in the authors' scripts. What they then mask out of the loss counts here: the same work, but not a loss to learn from.
 */
public final class E2eBenchmark {

    private E2eBenchmark() {
    }

    /**
     * Examples and tokens a second; padding is not counted among the tokens.
     *
     * @param steps of a run; up to 50 make one window of {@link LengthGroupedBatches}, and then the batches do not depend
     *              on its seed
     * @param pad   length of every sequence; 0 for the longest of each batch
     */
    public static Map<String, Measurement> run(Backend backend, int rank, int size, int steps, int pad, Runs runs) {
        Training training = training(backend, rank, size, steps, pad);
        int examples = steps * size;
        Measurement measured = Measurement.of("examples/s", examples, runs, () -> {
            for (int i = 0; i < training.steps.size(); i++) {
                training.steps.get(i).run();
            }
        });
        String name = pad == 0 ? "e2e" : "e2e padded to " + pad;
        Map<String, Measurement> results = new LinkedHashMap<>();
        results.put(name, measured);
        results.put(name + ", tokens", measured.in("tokens/s", training.tokens / examples));
        return results;
    }

    /** The steps one after the other, the shortest batch first and then again: another program can take the same turn. */
    static Runnable inTurn(Backend backend, int rank, int size, int steps, int pad) {
        Training training = training(backend, rank, size, steps, pad);
        int[] turn = new int[1];
        return () -> training.steps.get(turn[0]++ % steps).run();
    }

    private record Training(List<Runnable> steps, double tokens) {
    }

    private static Training training(Backend backend, int rank, int size, int steps, int pad) {
        LanguageModel model = Families.load(EmbeddedBase.folder(), backend);
        ExampleEncoder encoder =
                new ExampleEncoder(Families.tokenizer(EmbeddedBase.folder()), model.sizes().positions());
        List<EncodedExample> examples = encoder.encode(sample(E2e.embedded(Split.TRAIN), steps * size)).examples();
        LengthGroupedBatches<EncodedExample> batches = LengthGroupedBatches.of(examples, size, 1);
        if (pad != 0 && (pad < batches.maxLength() || pad > model.sizes().positions())) {
            throw new LoraException("`pad` " + pad + ": expected at least " + batches.maxLength()
                    + ", the longest of the sample, and at most " + model.sizes().positions() + ", the model's positions");
        }
        List<Parameter> trainable =
                LoraAdapter.attach(model, LoraConfig.of(rank, 32).withParts("q", "v"), 1).trainable();
        Workspace ws = Workspace.forTraining(backend, (long) size * Math.max(pad, batches.maxLength()), 1);
        AdamW adamW = new AdamW(backend, trainable, AdamW.Settings.PYTORCH);
        List<Runnable> all = IntStream.range(0, batches.batchesPerEpoch())
                .mapToObj(i -> Batch.of(batches.at(new Cursor(0, i))))
                .sorted(Comparator.comparingInt(Batch::length))
                .<Runnable>map(batch ->
                        () -> step(model, pad == 0 ? batch : padded(batch, pad), trainable, adamW, ws))
                .toList();
        return new Training(all, examples.stream().mapToLong(EncodedExample::length).sum());
    }

    private static void step(LanguageModel model, Batch batch, List<Parameter> trainable, AdamW adamW, Workspace ws) {
        trainable.forEach(Parameter::clearGradient);
        model.lossAndGradients(batch, 1.0 / batch.targets(), 0, adamW.steps(), ws);
        adamW.step(1e-4);
    }

    /** Pairs number 0, k, 2k, … with the largest k that gives enough. */
    private static List<TextPair> sample(List<TextPair> pairs, int count) {
        if (count > pairs.size()) {
            throw new LoraException("`steps` times `batch` is " + count + " pairs, and E2E has " + pairs.size());
        }
        int stride = pairs.size() / count;
        return IntStream.range(0, count).mapToObj(i -> pairs.get(i * stride)).toList();
    }

    private static Batch padded(Batch batch, int length) {
        int[] ids = new int[batch.size() * length]; // zeros, that is padding
        for (int b = 0; b < batch.size(); b++) {
            System.arraycopy(batch.inputIds(), b * batch.length(), ids, b * length, batch.length());
        }
        return new Batch(batch.size(), length, ids, null, Arrays.copyOf(ids, ids.length));
    }
}
