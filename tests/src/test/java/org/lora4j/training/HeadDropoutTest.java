package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.LanguageModelHead;
import org.lora4j.nn.Workspace;
import org.lora4j.select.TargetSelector;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** The head makes its logits in blocks of rows; LoRA's dropout there falls on each row by itself all the same. */
class HeadDropoutTest {

    /** More than one block of them. */
    private static final int ROWS = 900;

    @Test
    void noTwoBlocksOfRowsShareTheirMasks() {
        try (Backend backend = Backends.create("reference")) {
            Gpt2 model = SmallGpt2.of(SmallGpt2.UNTIED, backend);
            LoraConfig config = LoraConfig.of(2, 8).withDropout(0.5).withTargets(TargetSelector.byNames(List.of("lm_head")));
            LoraAdapter adapter = LoraAdapter.attach(model, config, 5);
            SmallGpt2.randomise(backend, adapter.trainable());
            LanguageModelHead head = new LanguageModelHead(model.projections().getLast());
            int width = SmallGpt2.UNTIED.nEmbd();
            Tensor h = backend.allocate(Shape.of(ROWS, width));
            backend.fill(h, 1);
            Tensor dh = backend.allocate(Shape.of(ROWS, width));
            Workspace ws = Workspace.forTraining(backend, ROWS, 7);
            ws.begin(ROWS, 0);

            head.lossAndGradient(h, new int[ROWS], 0, 1, dh, ws);

            // rows are equal but for their masks of 8 elements, 256 of them: about all are met among 900 rows, and two
            // blocks that share them would show as row i + half being row i for every i
            double[] gradients = backend.readDoubles(dh);
            assertThat(rows(gradients, 0, ROWS)).hasSizeGreaterThan(200);
            int equal = 0;
            for (int row = 0; row < ROWS / 2; row++) {
                equal += rows(gradients, row, 1).equals(rows(gradients, row + ROWS / 2, 1)) ? 1 : 0;
            }
            assertThat(equal).isLessThan(ROWS / 20);
        }
    }

    private static Set<List<Double>> rows(double[] values, int from, int count) {
        int width = values.length / ROWS;
        Set<List<Double>> rows = new HashSet<>();
        for (int row = from; row < from + count; row++) {
            rows.add(Arrays.stream(values, row * width, (row + 1) * width).boxed().toList());
        }
        return rows;
    }
}
