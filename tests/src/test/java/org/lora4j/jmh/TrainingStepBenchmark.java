package org.lora4j.jmh;

import java.util.Arrays;
import java.util.List;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** A training step: clear the gradients, forward, backward, AdamW. */
public class TrainingStepBenchmark extends MillisecondsBenchmark {

    @Param({"base-6m", "gpt2"})
    public String shape;

    /** Sequences × tokens. */
    @Param({"8x64", "4x128"})
    public String tokens;

    /** r on q and v; 0 for full fine-tuning. */
    @Param({"4", "0"})
    public int rank;

    private LanguageModel model;
    private List<Parameter> trainable;
    private AdamW adamW;
    private Workspace ws;
    private Batch batch;

    @Setup
    public void build(BackendState backend) {
        int[] sizes = sizes(tokens);
        int size = sizes[0];
        int length = sizes[1];
        model = Families.random(Families.shape(shape), backend.get(), 1, WeightType.FLOAT32);
        trainable = rank == 0 ? model.parameters().stream().map(Parameter::trainCopy).toList()
                : LoraAdapter.attach(model, LoraConfig.of(rank, 32).withParts("q", "v"), 1).trainable();
        adamW = new AdamW(backend.get(), trainable, AdamW.Settings.PYTORCH);
        ws = Workspace.forTraining(backend.get(), (long) size * length, 1);
        int[] ids = new int[size * length];
        Arrays.setAll(ids, i -> i * 37 % model.sizes().vocabulary());
        batch = new Batch(size, length, ids, null, ids);
    }

    @Benchmark
    public void step() {
        trainable.forEach(Parameter::clearGradient);
        model.lossAndGradients(batch, 1.0 / batch.targets(), 0, adamW.steps(), ws);
        adamW.step(1e-4);
    }
}
