package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.data.LengthGroupedBatches.Cursor;
import org.lora4j.train.TrainingListener;

/** Memory is laid out by the first step and reused, whatever the later batches are like. */
class AllocationTest {

    @ParameterizedTest
    @CsvSource({"reference, false", "cpu, false", "reference, true", "cpu, true"})
    void aTrainingStepAfterTheFirstAllocatesNoTensor(String name, boolean recompute) {
        try (Backend backend = Backends.create(name)) {
            SmallRun run = new SmallRun(backend);
            assertThat(firstStepIsNotTheLargest(run)).as("the case is worth trying").isTrue();
            List<Long> allocations = new ArrayList<>();
            run.train(null, true, recompute, new TrainingListener() {
                @Override
                public void step(long step, double loss, double learningRate, double tokensPerSecond) {
                    allocations.add(backend.allocations());
                }
            });
            assertThat(allocations).hasSize(SmallRun.STEPS);
            assertThat(allocations).allMatch(count -> count.equals(allocations.getFirst()));
        }
    }

    /** Later batches have more tokens than the first step's two, and a larger share of targets among them. */
    private static boolean firstStepIsNotTheLargest(SmallRun run) {
        Batch first = Batch.of(run.data.at(Cursor.START));
        Batch second = Batch.of(run.data.at(run.data.after(Cursor.START)));
        int tokens = Math.max(first.inputIds().length, second.inputIds().length);
        double share = Math.max(shareOfTargets(first), shareOfTargets(second));
        boolean larger = false;
        boolean fuller = false;
        for (Cursor cursor = Cursor.START; cursor.epoch() == 0; cursor = run.data.after(cursor)) {
            Batch batch = Batch.of(run.data.at(cursor));
            larger |= batch.inputIds().length > tokens;
            fuller |= shareOfTargets(batch) > share;
        }
        return larger && fuller;
    }

    private static double shareOfTargets(Batch batch) {
        return (double) batch.targets() / batch.inputIds().length;
    }
}
