package org.lora4j.training;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.optim.AdamW;
import org.lora4j.select.TargetSelector;
import org.lora4j.task.Completion;
import org.lora4j.tensor.Philox;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * A run of a small GPT-2 with everything switched on: dropout in base and adapter, biases, label smoothing, clipping, two
 * batches a step, evaluation with the best values kept. Making one again is what starting the program again is.
 */
final class SmallRun {

    /** 14 batches are 7 steps: 20 steps are almost three epochs. */
    static final int STEPS = 20;

    private static final LoraConfig LORA = LoraConfig.of(2, 4).withParts("q", "v").withDropout(0.1).withBias(BiasMode.ALL)
            .withTargets(TargetSelector.byNames(List.of("c_fc", "mlp.c_proj", "wte", "lm_head")));

    final LengthGroupedBatches<EncodedExample> data = LengthGroupedBatches.of(examples("train", 42), 3, 11);
    final LoraAdapter adapter;
    private final Gpt2 model;

    SmallRun(Backend backend) {
        model = SmallGpt2.of(SmallGpt2.TIED, backend, 0.1);
        adapter = LoraAdapter.attach(model, LORA, 5);
    }

    /** @param folder where its files go; null for none */
    Trainer.Outcome train(Path folder, boolean evaluating, TrainingListener listener) {
        return train(folder, evaluating, false, listener);
    }

    Trainer.Outcome train(Path folder, boolean evaluating, boolean recompute, TrainingListener listener) {
        TrainingPlan plan = TrainingPlan.of(STEPS, 0.03, 3).withAccumulation(2).withWarmupSteps(4)
                .withAdamW(AdamW.Settings.AUTHORS).withLabelSmoothing(0.1).withClipNorm(1).withEvaluateEvery(3)
                .withCheckpointEvery(4).withLogEvery(1).withRecompute(recompute);
        List<Batch> dev = evaluating ? Batch.byLength(examples("dev", 10), 4) : List.of();
        Runnable save = folder == null ? () -> { } : () -> PeftFormat.save(adapter, folder, "small", Map.of());
        return Trainer.of(model, new Completion()).parameters(adapter.trainable()).data(data).dev(dev).plan(plan)
                .folder(folder).recipe(Map.of("data", "random")).save(save).listener(listener).build().run();
    }

    /** Sequences that count upwards from a random token, 3 to 9 long, of which a random part is only read. */
    static List<EncodedExample> examples(String name, int count) {
        Philox random = new Philox(1);
        int site = Philox.site(name);
        List<EncodedExample> examples = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int[] tokens = new int[3 + random.bounded(7, 0, site, i)];
            int first = random.bounded(11, 1, site, i);
            for (int t = 0; t < tokens.length; t++) {
                tokens[t] = (first + t) % 11;
            }
            examples.add(new EncodedExample(tokens, 1 + random.bounded(tokens.length - 1, 2, site, i)));
        }
        return examples;
    }
}
