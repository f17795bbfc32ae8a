package org.lora4j.gradient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraProjection;

/**
 * The loss of the last position must reach the keys and values of the first. A LoRA of rank 1 on k (or v) alone, whose A
 * is orthogonal to what attention reads at every position but 0, changes nothing but the key (or value) of position 0; so
 * the gradient of its B is ∂L/∂k₀ (or ∂L/∂v₀) times a number.
 */
class EarlierPositionsGradientTest {

    private static final int LENGTH = 6;
    private static final int[] IDS = {4, 9, 1, 7, 2, 5};

    private final Backend backend = Backends.create("reference");

    @ParameterizedTest
    @ValueSource(strings = {"k", "v"})
    void aLossAtTheLastPositionReachesPositionZero(String part) {
        Gpt2Config oneLayer = Gpt2Config.of(11, 9, 8, 1, 2, 20);
        Gpt2 model = SmallGpt2.of(oneLayer, backend);
        LoraAdapter adapter = LoraAdapter.attach(model, LoraConfig.of(1, 1).withParts(part), 1);
        LoraProjection lora = adapter.projections().get("transformer.h.0.attn.c_attn");
        double[] seesPositionZero = orthogonalToAllButTheFirst(attentionInput(model));
        backend.upload(seesPositionZero, lora.loraA().value());
        int[] labels = new int[LENGTH];
        Arrays.fill(labels, Batch.IGNORED);
        labels[LENGTH - 1] = IDS[LENGTH - 1];
        Batch batch = new Batch(1, LENGTH, IDS, null, labels);

        Workspace ws = Workspace.forTraining(backend, LENGTH, 7);
        model.lossAndGradients(batch, 1, 0, 0, ws);
        double[] gradient = backend.readDoubles(lora.loraB().gradient());

        double largest = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
        assertThat(largest).isGreaterThan(1e-3);
        GradientCheck<Batch> check = GradientCheck.of(model, batch, 0, 0);
        for (int i = 0; i < gradient.length; i++) {
            double slope = check.slope(lora.loraB(), GradientCheck.unit(gradient.length, i), ws);
            assertThat(gradient[i]).isCloseTo(slope, within(1e-9 * largest));
        }
    }

    /** LayerNorm₁(wte[id] + wpe[t]), (T, C). */
    private double[][] attentionInput(Gpt2 model) {
        int width = model.config().nEmbd();
        double[] tokens = backend.readDoubles(parameter(model, "transformer.wte.weight").value());
        double[] places = backend.readDoubles(parameter(model, "transformer.wpe.weight").value());
        double[] sum = new double[LENGTH * width];
        Arrays.setAll(sum, i -> tokens[IDS[i / width] * width + i % width] + places[i]);
        Tensor x = backend.allocate(Shape.of(LENGTH, width));
        Tensor y = backend.allocate(Shape.of(LENGTH, width));
        backend.upload(sum, x);
        Normalisation.layer(parameter(model, "transformer.h.0.ln_1.weight"), parameter(model, "transformer.h.0.ln_1.bias"), 1e-5)
                .forward(x, y, Workspace.forInference(backend, LENGTH));
        double[] rows = backend.readDoubles(y);
        double[][] input = new double[LENGTH][];
        Arrays.setAll(input, t -> Arrays.copyOfRange(rows, t * width, (t + 1) * width));
        return input;
    }

    private static Parameter parameter(Gpt2 model, String name) {
        return model.parameters().stream().filter(p -> p.name().equals(name)).findFirst().orElseThrow();
    }

    /** Gram and Schmidt: what is left of the first row when its parts along the others are taken away. */
    private static double[] orthogonalToAllButTheFirst(double[][] rows) {
        for (int t = rows.length - 1; t >= 0; t--) {
            for (int other = rows.length - 1; other > t; other--) {
                subtractPartAlong(rows[other], rows[t]);
                subtractPartAlong(rows[other], rows[t]); // twice is enough
            }
        }
        return rows[0];
    }

    private static void subtractPartAlong(double[] direction, double[] row) {
        double part = dot(row, direction) / dot(direction, direction);
        for (int c = 0; c < row.length; c++) {
            row[c] -= part * direction[c];
        }
    }

    private static double dot(double[] x, double[] y) {
        double sum = 0;
        for (int c = 0; c < x.length; c++) {
            sum += x[c] * y[c];
        }
        return sum;
    }
}
