package org.lora4j.jmh;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.lora4j.data.Batch;
import org.lora4j.experiments.bench.ModelShapes;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.RandomGpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A training step: clear the gradients, forward, backward, AdamW. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TrainingStepBenchmark {

    @Param({"base-6m", "gpt2"})
    public String shape;

    /** Sequences × tokens. */
    @Param({"8x64", "4x128"})
    public String tokens;

    /** r on q and v; 0 for full fine-tuning. */
    @Param({"4", "0"})
    public int rank;

    private Gpt2 model;
    private List<Parameter> trainable;
    private AdamW adamW;
    private Workspace ws;
    private Batch batch;

    @Setup
    public void build(BackendState backend) {
        String[] sizes = tokens.split("x");
        int size = Integer.parseInt(sizes[0]);
        int length = Integer.parseInt(sizes[1]);
        model = RandomGpt2.create(ModelShapes.named(shape), backend.get(), 1);
        trainable = rank == 0 ? model.parameters().stream().map(Parameter::trainCopy).toList()
                : LoraAdapter.attach(model, LoraConfig.of(rank, 32).withParts("q", "v"), 1).trainable();
        adamW = new AdamW(backend.get(), trainable, AdamW.Settings.PYTORCH);
        ws = Workspace.forTraining(backend.get(), (long) size * length, 1);
        int[] ids = new int[size * length];
        Arrays.setAll(ids, i -> i * 37 % model.config().vocabSize());
        batch = new Batch(size, length, ids, null, ids);
    }

    @Benchmark
    public void step() {
        trainable.forEach(Parameter::clearGradient);
        model.lossAndGradients(batch, 1.0 / batch.targets(), 0, adamW.steps(), ws);
        adamW.step(1e-4);
    }
}
