package org.lora4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.bias;
import static org.lora4j.ByHand.frozen;
import static org.lora4j.ByHand.matrix;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;

import org.junit.jupiter.api.Test;
import org.lora4j.tensor.Tensor;

/** y = x·Wᵀ + b and its gradients, from 3 numbers to 2, for two inputs. */
class LinearTest {

    private final Tensor x = matrix(
            row(1, 2, 3),
            row(0, 1, -1));
    private final Parameter w = frozen("W",
            row(1, 0, 2),
            row(0, 3, 1));
    private final Parameter b = bias(10, 20);
    private final Linear linear = new Linear(w, b);
    private final Tensor g = matrix( // ∂L/∂y
            row(1, 1),
            row(2, 0));

    private final Workspace ws = Workspace.forGradients(REFERENCE, 2);
    private final Tensor y = matrix(row(0, 0), row(0, 0));
    private final Tensor dx = matrix(row(0, 0, 0), row(0, 0, 0));

    @Test
    void eachOutputIsAWeightedSumAndAConstant() {
        linear.forward(x, y, ws);
        assertThat(rows(y)).isDeepEqualTo(new double[][] {
                {1 + 0 + 6 + 10, 0 + 6 + 3 + 20},
                {0 + 0 - 2 + 10, 0 + 3 - 1 + 20}});
    }

    @Test
    void itsGradients() {
        w.train();
        b.train();
        linear.forward(x, y, ws);
        linear.backward(g, dx, ws);
        assertThat(rows(w.gradient())).as("gᵀ·x").isDeepEqualTo(new double[][] {
                {1, 2 + 2, 3 - 2},
                {1, 2, 3}});
        assertThat(REFERENCE.readDoubles(b.gradient())).as("the sum of g's rows").containsExactly(3, 1);
        assertThat(rows(dx)).as("g·W").isDeepEqualTo(new double[][] {
                {1, 3, 2 + 1},
                {2, 0, 4}});
    }

    @Test
    void aFrozenMapPassesTheGradientOnAndKeepsNone() {
        linear.forward(x, y, ws);
        linear.backward(g, dx, ws);
        assertThat(rows(dx)).isDeepEqualTo(new double[][] {{1, 3, 3}, {2, 0, 4}});
        assertThat(w.gradient()).isNull();
        assertThat(linear.keepsInput()).as("x is not needed for anything").isFalse();
    }
}
