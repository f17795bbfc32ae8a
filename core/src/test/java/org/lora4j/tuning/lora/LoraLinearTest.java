package org.lora4j.tuning.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.bias;
import static org.lora4j.ByHand.frozen;
import static org.lora4j.ByHand.matrix;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;
import static org.lora4j.ByHand.trained;

import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Test;
import org.lora4j.ByHand;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** Equation 3 of the paper on a map from 3 numbers to 2, for two inputs and r = 1; every number can be checked on paper. */
class LoraLinearTest {

    private static final Dropout NO_DROPOUT = new Dropout(0, 0);
    /** A seed that drops one element of each row, so that there is something to see. */
    private static final long SEED = 124;

    private final Tensor x = matrix(
            row(1, 2, 3),
            row(0, 1, -1));
    private final Parameter w0 = frozen("W₀",
            row(1, 0, 2),
            row(0, 3, 1));
    private final Parameter bias = bias(10, 20);
    private final Parameter a = trained("A",
            row(1, -1, 2));
    private final Parameter b = trained("B",
            row(3),
            row(-1));
    private final Tensor g = matrix( // ∂L/∂h
            row(1, 1),
            row(2, 0));

    private final Workspace ws = Workspace.forGradients(REFERENCE, 2);
    private final Tensor h = matrix(row(0, 0), row(0, 0));
    private final Tensor dx = matrix(row(0, 0, 0), row(0, 0, 0));

    /** alpha = 2 and r = 1, so s = 2. */
    private LoraLinear lora(Dropout dropout) {
        return new LoraLinear(new Linear(w0, bias), a, b, 2, LoraScaling.ALPHA_OVER_R, dropout);
    }

    @Test
    void equation3() {
        lora(NO_DROPOUT).forward(x, h, ws);
        // x·W₀ᵀ + b  = (7 + 10,  9 + 20)    (−2 + 10,  2 + 20)
        // u = x·Aᵀ   =  1 − 2 + 6 = 5        0 − 1 − 2 = −3
        // s·u·Bᵀ     = 2·5·(3, −1)           2·(−3)·(3, −1)
        assertThat(rows(h)).isDeepEqualTo(new double[][] {
                {17 + 30, 29 - 10},
                {8 - 18, 22 + 6}});
    }

    @Test
    void sIsAlphaOverTheRank() {
        Parameter twoRows = trained("A", row(1, -1, 2), row(0, 0, 0)); // the same update, written with r = 2
        Parameter twoColumns = trained("B", row(3, 7), row(-1, 7));
        new LoraLinear(new Linear(w0, bias), twoRows, twoColumns, 2, LoraScaling.ALPHA_OVER_R, NO_DROPOUT).forward(x, h, ws);
        assertThat(rows(h)).isDeepEqualTo(new double[][] { // s = 2/2 = 1 halves what it adds
                {17 + 15, 29 - 5},
                {8 - 9, 22 + 3}});
    }

    @Test
    void itsGradients() {
        LoraLinear lora = lora(NO_DROPOUT);
        lora.forward(x, h, ws);
        lora.backward(g, dx, ws);
        // ∂L/∂B = s·gᵀ·u, with u = (5, −3)
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {
                {2 * (1 * 5 + 2 * -3)},
                {2 * (1 * 5 + 0 * -3)}});
        // g·B = (3 − 1, 6 + 0) = (2, 6), and ∂L/∂A = s·(g·B)ᵀ·x = 2·(2·(1, 2, 3) + 6·(0, 1, −1))
        assertThat(rows(a.gradient())).isDeepEqualTo(new double[][] {
                {2 * 2, 2 * (4 + 6), 2 * (6 - 6)}});
        // ∂L/∂x = g·W₀ + s·(g·B)·A
        assertThat(rows(dx)).isDeepEqualTo(new double[][] {
                {1 + 4, 3 - 4, 3 + 8},
                {2 + 12, 0 - 12, 4 + 24}});
    }

    @Test
    void aGradientIsWhatLGrowsByWhenItsNumberGrowsByOne() {
        LoraLinear lora = lora(NO_DROPOUT);
        lora.forward(x, h, ws);
        lora.backward(g, dx, ws);
        double[][] ofA = rows(a.gradient());
        double[][] ofB = rows(b.gradient());
        double[][] ofX = rows(dx);
        // L = Σ g ⊙ h is linear in each of A, B and x alone, so the difference is the derivative, exactly
        assertThat(differences(a.value(), this::loss)).isDeepEqualTo(ofA);
        assertThat(differences(b.value(), this::loss)).isDeepEqualTo(ofB);
        assertThat(differences(x, this::loss)).isDeepEqualTo(ofX);
    }

    private double loss() {
        lora(NO_DROPOUT).forward(x, h, Workspace.forInference(REFERENCE, 2));
        double loss = 0;
        for (int n = 0; n < 2; n++) {
            for (int o = 0; o < 2; o++) {
                loss += rows(g)[n][o] * rows(h)[n][o];
            }
        }
        return loss;
    }

    private static double[][] differences(Tensor of, DoubleSupplier loss) {
        double[][] numbers = rows(of);
        double[][] differences = new double[numbers.length][numbers[0].length];
        double before = loss.getAsDouble();
        for (int i = 0; i < numbers.length; i++) {
            for (int j = 0; j < numbers[i].length; j++) {
                numbers[i][j] += 1;
                ByHand.set(of, numbers);
                differences[i][j] = loss.getAsDouble() - before;
                numbers[i][j] -= 1;
                ByHand.set(of, numbers);
            }
        }
        return differences;
    }

    @Test
    void gradientsOfSeveralPassesAddUp() {
        LoraLinear lora = lora(NO_DROPOUT);
        for (int pass = 0; pass < 2; pass++) {
            lora.forward(x, h, ws);
            lora.backward(g, dx, ws);
        }
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {{-4}, {20}});
        assertThat(rows(a.gradient())).isDeepEqualTo(new double[][] {{8, 40, 0}});
        assertThat(rows(dx)[0]).as("∂L/∂x is written, not added to").containsExactly(5, -1, 11);
    }

    @Test
    void aBOfZeroLeavesTheBits() {
        Parameter thirds = frozen("W₀", row(0.1, 1 / 3.0, -1e-9), row(1e9, Math.PI, 0.7)); // nothing here is exact
        Tensor base = matrix(row(0, 0), row(0, 0));
        new Linear(thirds, bias).forward(x, base, ws);
        Parameter zero = trained("B", row(0), row(0));
        new LoraLinear(new Linear(thirds, bias), a, zero, 2, LoraScaling.ALPHA_OVER_R, NO_DROPOUT).forward(x, h, ws);
        assertThat(rows(h)).isDeepEqualTo(rows(base));
    }

    @Test
    void fromABOfZeroOnlyBMovesAtFirst() {
        ByHand.set(b.value(), row(0), row(0));
        LoraLinear lora = lora(NO_DROPOUT);
        lora.forward(x, h, ws);
        lora.backward(g, dx, ws);
        assertThat(rows(a.gradient())).isDeepEqualTo(new double[][] {{0, 0, 0}});
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {{-2}, {10}});
        assertThat(rows(dx)).as("g·W₀").isDeepEqualTo(new double[][] {{1, 3, 3}, {2, 0, 4}});
    }

    @Test
    void theBaseIsNeitherWrittenNorGivenAGradient() {
        LoraLinear lora = lora(NO_DROPOUT);
        lora.forward(x, h, ws);
        lora.backward(g, dx, ws);
        assertThat(rows(w0.value())).isDeepEqualTo(new double[][] {{1, 0, 2}, {0, 3, 1}});
        assertThat(rows(bias.value())).isDeepEqualTo(new double[][] {{10, 20}});
        assertThat(w0.gradient()).isNull();
        assertThat(bias.gradient()).isNull();
    }

    @Test
    void dropoutFallsOnTheLowRankBranchOnly() {
        Workspace training = Workspace.forTraining(REFERENCE, 2, SEED);
        Dropout half = new Dropout(0.5, 1);
        Tensor mask = matrix(row(1, 1, 1), row(1, 1, 1));
        half.apply(mask, mask, training);
        assertThat(rows(mask)).as("what this seed drops; the rest is doubled").isDeepEqualTo(new double[][] {
                {2, 0, 2},
                {0, 2, 2}});
        LoraLinear lora = lora(half);

        lora.forward(x, h, training);
        // D(x) = (2, 0, 6) and (0, 2, −2); u = D(x)·Aᵀ = 14 and −6; x·W₀ᵀ + b is what it was
        assertThat(rows(h)).isDeepEqualTo(new double[][] {
                {17 + 2 * 14 * 3, 29 - 2 * 14},
                {8 - 2 * 6 * 3, 22 + 2 * 6}});

        lora.backward(g, dx, training);
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {
                {2 * (14 - 2 * 6)},
                {2 * 14}});
        // s·(g·B)ᵀ·D(x) = 2·(2·(2, 0, 6) + 6·(0, 2, −2))
        assertThat(rows(a.gradient())).isDeepEqualTo(new double[][] {
                {8, 24, 0}});
        // g·W₀ + D(s·(g·B)·A)
        assertThat(rows(dx)).isDeepEqualTo(new double[][] {
                {1 + 2 * 4, 3 + 0, 3 + 2 * 8},
                {2 + 0, 0 - 2 * 12, 4 + 2 * 24}});
    }

    @Test
    void nothingDropsOutsideTraining() {
        lora(new Dropout(0.5, 1)).forward(x, h, Workspace.forInference(REFERENCE, 2));
        assertThat(rows(h)).isDeepEqualTo(new double[][] {{47, 19}, {-10, 28}});
    }
}
