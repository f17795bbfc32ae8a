package org.lora4j.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.data.Batch;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.gpt2.RandomGpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** How many kernels a training step is, and that putting operations together changes no bit. */
class KernelCountTest {

    private static final int BATCH = 2;
    private static final int LENGTH = 5;

    /** What a step launches, and what it leaves behind. */
    private record Step(long operations, long launches, double loss, List<float[]> values) {
    }

    @Test
    void aGpt2LayerWithLoraIsSomeTenKernelsForwardAndTenBackward() {
        long four = step(4, true).launches();
        long five = step(5, true).launches();
        // forward: LayerNorm, u, q k v, attention, projection, LayerNorm, up, down; backward: through down, up, LayerNorm,
        // projection, attention's queries and keys, du, dB, dA, q k v, LayerNorm
        assertThat(five - four).isEqualTo(8 + 11);
    }

    @Test
    void apartTheyAreHalfAsManyAgain() {
        assertThat(step(5, false).launches() - step(4, false).launches()).isGreaterThanOrEqualTo(19 * 3 / 2);
    }

    @Test
    void whatIsPutTogetherRoundsAsItDoesApart() {
        Step together = step(3, true);
        Step apart = step(3, false);
        assertThat(together.loss()).isEqualTo(apart.loss());
        for (int i = 0; i < together.values().size(); i++) {
            assertThat(together.values().get(i)).isEqualTo(apart.values().get(i));
        }
    }

    /** The third of three steps. */
    private static Step step(int layers, boolean fusing) {
        try (TornadoBackend backend = TornadoProvider.inPlainJava(fusing)) {
            Gpt2 model = RandomGpt2.create(Gpt2Config.of(31, 8, 12, layers, 2), backend, 1);
            List<Parameter> trainable =
                    LoraAdapter.attach(model, LoraConfig.of(2, 4).withParts("q", "v"), 1).trainable();
            int[] ids = new int[BATCH * LENGTH];
            Arrays.setAll(ids, i -> i * 7 % 31);
            Batch batch = new Batch(BATCH, LENGTH, ids, null, ids);
            Workspace ws = Workspace.forTraining(backend, ids.length, 1);
            AdamW adamW = new AdamW(backend, trainable, AdamW.Settings.PYTORCH);
            long launches = 0;
            long operations = 0;
            double loss = 0;
            for (int i = 0; i < 3; i++) {
                launches = backend.machine().executor().launches();
                operations = backend.machine().recording().recorded();
                trainable.forEach(Parameter::clearGradient);
                loss = model.lossAndGradients(batch, 1.0 / batch.targets(), 0, i, ws);
                adamW.step(0.01);
                backend.machine().run();
            }
            return new Step(backend.machine().recording().recorded() - operations,
                    backend.machine().executor().launches() - launches, loss,
                    trainable.stream().map(parameter -> backend.readFloats(parameter.value())).toList());
        }
    }
}
