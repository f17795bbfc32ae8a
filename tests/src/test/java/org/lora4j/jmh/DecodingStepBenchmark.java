package org.lora4j.jmh;

import java.util.concurrent.TimeUnit;
import org.lora4j.experiments.bench.ModelShapes;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.RandomGpt2;
import org.lora4j.nn.KeyValueCache;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;
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

/** One token more of one sequence, behind a past of some length, up to its logits. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class DecodingStepBenchmark {

    @Param({"base-6m", "gpt2"})
    public String shape;

    /** Positions in the key/value cache. */
    @Param({"16", "128"})
    public int past;

    private Gpt2 model;
    private KeyValueCache cache;
    private Workspace ws;

    @Setup
    public void build(BackendState backend) {
        model = RandomGpt2.create(ModelShapes.named(shape), backend.get(), 1);
        cache = new KeyValueCache(backend.get(), model.config().nLayer(), 1, past + 1, model.config().nEmbd());
        ws = Workspace.forInference(backend.get(), past);
        int[] ids = new int[past];
        int[] positions = new int[past];
        for (int i = 0; i < past; i++) {
            ids[i] = 1 + i;
            positions[i] = i;
        }
        ws.begin(past, 0);
        model.next(ids, positions, null, cache, ws);
    }

    @Benchmark
    public Tensor step() {
        cache.truncate(past);
        ws.begin(1, 0);
        return model.next(new int[] {1}, new int[] {past}, null, cache, ws);
    }
}
