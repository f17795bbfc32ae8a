package org.lora4j.properties;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.lora4j.backend.ForwardingBackend;
import org.lora4j.backend.WeightType;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.data.Batch;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.gpt2.RandomGpt2;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.plan.PlannedStep;
import org.lora4j.plan.StepMemory;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

class StepMemoryTest {

    private static final class Counting extends ForwardingBackend {

        private long numbers;

        Counting() {
            super(new ReferenceBackend());
        }

        @Override
        public Tensor allocate(Shape shape) {
            numbers += shape.size();
            return super.allocate(shape);
        }

        @Override
        public Tensor allocateWeight(Shape shape, WeightType type) {
            return allocate(shape);
        }

        @Override
        public void close() {
        }
    }

    @Test
    void whatIsForetoldIsWhatAStepTakes() {
        Gpt2Config config = Gpt2Config.of(50, 16, 8, 2, 2);
        Counting backend = new Counting();
        Gpt2 model = RandomGpt2.create(config, backend, 1);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(2, 2).withParts("q", "v"), 1);
        AdamW adamW = new AdamW(backend, adapter.trainable(), AdamW.Settings.AUTHORS);
        int[] ids = new int[3 * 7];
        model.lossAndGradients(new Batch(3, 7, ids, null, ids), 1, 0, 0, Workspace.forTraining(backend, ids.length, 1));
        adamW.step(1e-3);

        assertThat(StepMemory.of(config, PlannedStep.of(3, 7), lora(2)).numbers()).isEqualTo(backend.numbers);
    }

    private static LowRankAdaptation lora(int rank) {
        return new LowRankAdaptation(LoraConfig.of(rank, rank).withParts("q", "v"));
    }

    @Test
    void theWeightsAreTheModels() {
        assertThat(StepMemory.of(Gpt2Config.small(), PlannedStep.of(1, 2), lora(4)).base().numbers()).isEqualTo(124_439_808);
    }
}
