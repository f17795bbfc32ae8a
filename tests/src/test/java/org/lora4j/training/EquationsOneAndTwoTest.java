package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.Backend;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/**
 * The paper's objective: the sum of log P(y_t | x, y_&lt;t) over the completion's tokens (equation 1), as a function of all
 * parameters or, with the pretrained ones frozen, of A and B alone (equation 2).
 */
class EquationsOneAndTwoTest {

    /** A context of 4, 7, 1, which is read and not predicted, and a completion of 9, 3. */
    private static final Batch BATCH = new Batch(1, 5, new int[] {4, 7, 1, 9, 3}, null,
            new int[] {Batch.IGNORED, Batch.IGNORED, Batch.IGNORED, 9, 3});

    private final Backend backend = new ReferenceBackend();
    private final Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend);

    @Test
    void equation1TheLossIsTheCompletionsTokensGivenAllBeforeThem() {
        double sum = Math.log(probabilityAfter(9, 4, 7, 1)) + Math.log(probabilityAfter(3, 4, 7, 1, 9));
        assertThat(model.loss(BATCH, 0, Workspace.forInference(backend, 5))).isCloseTo(-sum, within(1e-13));
    }

    /** P(token | these), by running the model on these alone and taking the softmax at the last. */
    private double probabilityAfter(int token, int... these) {
        Workspace ws = Workspace.forInference(backend, these.length);
        double[] all = backend.readDoubles(model.logits(new Batch(1, these.length, these, null, null), ws));
        double[] last = Arrays.copyOfRange(all, all.length - model.sizes().vocabulary(), all.length);
        return Math.exp(last[token]) / Arrays.stream(last).map(Math::exp).sum();
    }

    @Test
    void equation2TrainsThetaAndLeavesPhi() {
        List<Parameter> phi = model.parameters();
        List<double[]> before = values(phi);
        LoraAdapter theta = LoraAdapter.attach(model, LoraConfig.of(2, 4).withParts("q", "v"), 1);
        int adapted = 2 * model.sizes().blocks(); // q and v of each block
        assertThat(theta.parameterCount()).as("|Θ| = 2·L̂·d·r").isEqualTo(2L * adapted * model.sizes().width() * 2);

        Workspace ws = Workspace.forTraining(backend, 5, 1);
        AdamW adam = new AdamW(backend, theta.trainable(), AdamW.Settings.PYTORCH);
        double first = step(theta, adam, ws, 0);
        double last = first;
        for (int i = 1; i < 20; i++) {
            last = step(theta, adam, ws, i);
        }
        assertThat(last).isLessThan(0.9 * first);
        assertThat(values(phi)).usingRecursiveComparison().isEqualTo(before);
    }

    private double step(LoraAdapter theta, AdamW adam, Workspace ws, int number) {
        theta.trainable().forEach(Parameter::clearGradient);
        double loss = model.lossAndGradients(BATCH, 0.5, 0, number, ws);
        adam.step(0.02);
        return loss;
    }

    private List<double[]> values(List<Parameter> parameters) {
        List<double[]> values = new ArrayList<>();
        parameters.forEach(parameter -> values.add(backend.readDoubles(parameter.value())));
        return values;
    }
}
