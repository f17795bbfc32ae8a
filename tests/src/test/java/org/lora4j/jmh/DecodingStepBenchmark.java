package org.lora4j.jmh;

import java.util.Arrays;
import org.lora4j.backend.WeightType;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** One token more of one sequence, behind a past of some length, up to its logits. */
public class DecodingStepBenchmark extends MillisecondsBenchmark {

    @Param({"base-6m", "gpt2"})
    public String shape;

    /** Positions that are read already. */
    @Param({"16", "128"})
    public int past;

    private LanguageModel model;
    private KeyValuePool pool;
    private int[] taken;
    private IntTensor trail;
    private Workspace ws;

    @Setup
    public void build(BackendState backend) {
        model = Families.random(Families.shape(shape), backend.get(), 1, WeightType.FLOAT32);
        ws = Workspace.forInference(backend.get(), past);
        int[] ids = new int[past];
        int[] positions = new int[past];
        for (int i = 0; i < past; i++) {
            ids[i] = 1 + i;
            positions[i] = i;
        }
        ws.begin(past, 0);
        pool = model.newPool(past + 1);
        int[] rows = pool.take(past);
        model.next(ids, positions, pool.prompts(new int[][] {rows}, past), new int[] {past - 1}, ws);
        taken = pool.take(1);
        int[] seen = Arrays.copyOf(rows, past + 1);
        seen[past] = taken[0];
        trail = backend.get().allocateInts(Shape.of(1, past + 1));
        backend.get().upload(seen, 0, trail, seen.length);
    }

    @Benchmark
    public Tensor step() {
        ws.begin(1, 0);
        return model.next(new int[] {1}, new int[] {past}, pool.next(taken, trail, null), null, ws);
    }
}
