package org.lora4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.frozen;
import static org.lora4j.ByHand.matrix;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;

import org.junit.jupiter.api.Test;
import org.lora4j.backend.Activation;
import org.lora4j.tensor.Tensor;

/** Both feed-forward networks from 2 numbers over 3 inner ones, with ReLU, so that all numbers are whole. */
class FeedForwardTest {

    private final Parameter gate = frozen("mlp.gate.weight", row(1, 1), row(-1, 0), row(0, 2));
    private final Parameter up = frozen("mlp.up.weight", row(2, 0), row(5, 5), row(1, -1));
    private final Parameter down = frozen("mlp.down.weight", row(1, 7, 0), row(0, 0, 3));
    private final Tensor x = matrix(row(1, 2));
    private final Tensor g = matrix(row(10, 1)); // ∂L/∂y
    private final Tensor y = matrix(row(0, 0));
    private final Tensor dx = matrix(row(0, 0));
    private final Workspace ws = Workspace.forGradients(REFERENCE, 1);

    private static Slot<Projection> slot(String name, Role role, Parameter weight) {
        return new Slot<>("mlp." + name, role, new Linear(weight, null));
    }

    /** f = [3 −1 4], a = [3 0 4], u = [2 15 −1], h = a ⊙ u = [6 0 −4]. */
    @Test
    void theGateSaysHowMuchOfEachNumberPasses() {
        FeedForward gated = new GatedPerceptron(
                slot("gate", Role.GATE, gate), slot("up", Role.UP, up), slot("down", Role.DOWN, down), Activation.RELU);
        gate.train();
        up.train();
        down.train();
        gated.forward(x, y, ws);
        assertThat(rows(y)).isDeepEqualTo(new double[][] {{6, -12}});
        gated.backward(g, dx, ws);
        // dh = g·W_down = [10 70 3]; ∂L/∂u = dh ⊙ a = [30 0 12]; ∂L/∂f = dh ⊙ u where f > 0 = [20 0 −3]
        assertThat(rows(down.gradient())).as("gᵀ·h").isDeepEqualTo(new double[][] {{60, 0, -40}, {6, 0, -4}});
        assertThat(rows(up.gradient())).as("∂L/∂uᵀ·x").isDeepEqualTo(new double[][] {{30, 60}, {0, 0}, {12, 24}});
        assertThat(rows(gate.gradient())).as("∂L/∂fᵀ·x").isDeepEqualTo(new double[][] {{20, 40}, {0, 0}, {-3, -6}});
        assertThat(rows(dx)).as("∂L/∂f·W_gate + ∂L/∂u·W_up")
                .isDeepEqualTo(new double[][] {{20 + 60 + 12, 20 - 6 - 12}});
    }

    /** f = [3 −1 4], a = [3 0 4]. */
    @Test
    void withoutAGateItIsAMapAFunctionAndAMap() {
        FeedForward plain = new Perceptron(slot("up", Role.UP, gate), slot("down", Role.DOWN, down), Activation.RELU);
        plain.forward(x, y, ws);
        assertThat(rows(y)).isDeepEqualTo(new double[][] {{3, 12}});
        plain.backward(g, dx, ws);
        assertThat(rows(dx)).as("[10 0 3]·W₁").isDeepEqualTo(new double[][] {{10, 10 + 6}});
    }

    @Test
    void forwardAloneGivesTheSame() {
        FeedForward gated = new GatedPerceptron(
                slot("gate", Role.GATE, gate), slot("up", Role.UP, up), slot("down", Role.DOWN, down), Activation.RELU);
        gated.forward(x, y, Workspace.forInference(REFERENCE, 1));
        assertThat(rows(y)).isDeepEqualTo(new double[][] {{6, -12}});
    }
}
