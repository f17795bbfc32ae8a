package org.lora4j.tuning.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.bias;
import static org.lora4j.ByHand.frozen;
import static org.lora4j.ByHand.matrix;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;
import static org.lora4j.ByHand.trained;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** Equation 3 on q and v of a fused map: from 2 numbers to the 2 of each part, r = 1, alpha = 3 and so s = 3. */
class MergedLoraLinearTest {

    private static final List<FusedPart> Q_AND_V = List.of(new FusedPart("q", 0, 2), new FusedPart("v", 4, 2));
    private static final Dropout NO_DROPOUT = new Dropout(0, 0);
    /** A seed that drops the first of two elements and keeps the second. */
    private static final long SEED = 3;

    private final Tensor x = matrix(row(1, 2));
    private final Parameter w0 = frozen("c_attn",
            row(1, 0),   // q
            row(0, 1),
            row(1, 1),   // k
            row(2, 0),
            row(0, 2),   // v
            row(1, -1));
    private final Parameter bias = bias(1, 2, 3, 4, 5, 6);
    private final Parameter a = trained("A",
            row(1, 2),   // A of q
            row(3, -1)); // A of v
    private final Parameter b = trained("B",
            row(1),      // B of q
            row(2),
            row(-1),     // B of v
            row(4));
    private final Tensor g = matrix(row(1, 1, 1, 1, 2, 1));

    private final MergedLoraLinear lora =
            new MergedLoraLinear(new Linear(w0, bias), Q_AND_V, a, b, 3, LoraScaling.ALPHA_OVER_R, NO_DROPOUT);
    private final Workspace ws = Workspace.forGradients(REFERENCE, 1);
    private final Tensor h = matrix(row(0, 0, 0, 0, 0, 0));
    private final Tensor dx = matrix(row(0, 0));

    @Test
    void eachPartHasAnUpdateOfItsOwnAndKHasNone() {
        lora.forward(x, h, ws);
        // x·W₀ᵀ + b = (1, 2, 3, 2, 4, −1) + (1, 2, 3, 4, 5, 6)
        // u_q = 1 + 4 = 5, and s·u_q·B_qᵀ = 15·(1, 2);   u_v = 3 − 2 = 1, and s·u_v·B_vᵀ = 3·(−1, 4)
        assertThat(rows(h)).isDeepEqualTo(new double[][] {{2 + 15, 4 + 30, 6, 6, 9 - 3, 5 + 12}});
    }

    @Test
    void itsGradients() {
        lora.forward(x, h, ws);
        lora.backward(g, dx, ws);
        // ∂L/∂B_p = s·g_pᵀ·u_p
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {{15}, {15}, {3 * 2}, {3 * 1}});
        // g_q·B_q = 1 + 2 = 3 and g_v·B_v = −2 + 4 = 2, and ∂L/∂A_p = s·(g_p·B_p)ᵀ·x
        assertThat(rows(a.gradient())).isDeepEqualTo(new double[][] {{3 * 3, 3 * 3 * 2}, {3 * 2, 3 * 2 * 2}});
        // ∂L/∂x = g·W₀ + s·(3·A_q + 2·A_v) = (5, 5) + 3·(9, 4)
        assertThat(rows(dx)).isDeepEqualTo(new double[][] {{5 + 27, 5 + 12}});
    }

    @Test
    void aPartIsWhatAMapOfItsOwnWouldBe() {
        lora.forward(x, h, ws);
        lora.backward(g, dx, ws);
        Parameter ownA = trained("A of v", row(3, -1));
        Parameter ownB = trained("B of v", row(-1), row(4));
        LoraLinear v = new LoraLinear(new Linear(frozen("W₀ of v", row(0, 2), row(1, -1)), bias(5, 6)), ownA, ownB, 3,
                LoraScaling.ALPHA_OVER_R, NO_DROPOUT);
        Tensor ofV = matrix(row(0, 0));
        v.forward(x, ofV, ws);
        v.backward(matrix(row(2, 1)), matrix(row(0, 0)), ws);
        assertThat(rows(ofV)[0]).containsExactly(rows(h)[0][4], rows(h)[0][5]);
        assertThat(rows(ownA.gradient())[0]).containsExactly(rows(a.gradient())[1]);
        assertThat(rows(ownB.gradient())).isDeepEqualTo(new double[][] {rows(b.gradient())[2], rows(b.gradient())[3]});
    }

    @Test
    void partsAreBlocksOfOneMapOfRankNTimesR() {
        lora.forward(x, h, ws);
        lora.backward(g, dx, ws);
        Parameter wholeA = trained("A′", row(1, 2), row(3, -1));
        Parameter wholeB = trained("B′",
                row(1, 0),   // q
                row(2, 0),
                row(0, 0),   // k
                row(0, 0),
                row(0, -1),  // v
                row(0, 4));
        int n = 2; // parts, so rank n·r = 2 wants alpha n·3 for the same s
        LoraLinear whole = new LoraLinear(
                new Linear(w0, bias), wholeA, wholeB, n * 3, LoraScaling.ALPHA_OVER_R, NO_DROPOUT);
        Tensor ofWhole = matrix(row(0, 0, 0, 0, 0, 0));
        Tensor dxOfWhole = matrix(row(0, 0));
        whole.forward(x, ofWhole, ws);
        whole.backward(g, dxOfWhole, ws);
        assertThat(rows(ofWhole)).isDeepEqualTo(rows(h));
        assertThat(rows(dxOfWhole)).isDeepEqualTo(rows(dx));
        assertThat(rows(wholeA.gradient())).isDeepEqualTo(rows(a.gradient()));
        assertThat(rows(wholeB.gradient())).as("the blocks; the zeros around them would train as well").isDeepEqualTo(
                new double[][] {{15, 3}, {15, 3}, {15, 3}, {15, 3}, {2 * 15, 6}, {15, 3}});
    }

    @Test
    void dropoutFallsOnTheBranchesOfTheParts() {
        Workspace training = Workspace.forTraining(REFERENCE, 1, SEED);
        Dropout half = new Dropout(0.5, 1);
        Tensor mask = matrix(row(1, 1));
        half.apply(mask, mask, training);
        assertThat(rows(mask)).as("what this seed drops").isDeepEqualTo(new double[][] {{0, 2}});
        MergedLoraLinear dropping =
                new MergedLoraLinear(new Linear(w0, bias), Q_AND_V, a, b, 3, LoraScaling.ALPHA_OVER_R, half);

        dropping.forward(x, h, training);
        // D(x) = (0, 4), so u_q = 8 and u_v = −4
        assertThat(rows(h)).isDeepEqualTo(new double[][] {{2 + 3 * 8, 4 + 3 * 16, 6, 6, 9 + 3 * 4, 5 - 3 * 16}});

        dropping.backward(g, dx, training);
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {{3 * 8}, {3 * 8}, {3 * -4 * 2}, {3 * -4}});
        assertThat(rows(a.gradient())).isDeepEqualTo(new double[][] {{0, 3 * 3 * 4}, {0, 3 * 2 * 4}});
        // g·W₀ + D(3·(9, 4))
        assertThat(rows(dx)).isDeepEqualTo(new double[][] {{5, 5 + 2 * 12}});
    }

    @Test
    void deltaWHasNothingInKsRows() {
        Tensor delta = matrix(row(0, 0), row(0, 0), row(0, 0), row(0, 0), row(0, 0), row(0, 0));
        lora.addDeltaWeight(REFERENCE, delta);
        assertThat(rows(delta)).isDeepEqualTo(new double[][] {
                {3, 6},      // s·B_q·A_q
                {6, 12},
                {0, 0},
                {0, 0},
                {-9, 3},     // s·B_v·A_v
                {36, -12}});
    }

    @Test
    void aBOfZeroLeavesTheBits() {
        Parameter thirds = frozen("c_attn", row(0.1, 1 / 3.0), row(1e9, 7), row(-0.3, 1e-9), row(1, 0.7), row(2, 3), row(4, 5));
        Parameter zero = trained("B", row(0), row(0), row(0), row(0));
        Tensor base = matrix(row(0, 0, 0, 0, 0, 0));
        new Linear(thirds, bias).forward(x, base, ws);
        new MergedLoraLinear(new Linear(thirds, bias), Q_AND_V, a, zero, 3, LoraScaling.ALPHA_OVER_R, NO_DROPOUT)
                .forward(x, h, ws);
        assertThat(rows(h)).isDeepEqualTo(rows(base));
    }

    @Test
    void partsHaveWidthsOfTheirOwn() {
        // q takes the first three outputs, k the fourth, v the last two
        List<FusedPart> parts = List.of(new FusedPart("q", 0, 3), new FusedPart("v", 4, 2));
        Parameter wideB = trained("B", row(1), row(2), row(5), row(-1), row(4));
        MergedLoraLinear wide = new MergedLoraLinear(new Linear(w0, bias), parts, a, wideB, 3, LoraScaling.ALPHA_OVER_R, NO_DROPOUT);

        wide.forward(x, h, ws);
        // u_q = 5 and u_v = 1 as above: h gets 15·(1, 2, 5) in q and 3·(−1, 4) in v
        assertThat(rows(h)).isDeepEqualTo(new double[][] {{2 + 15, 4 + 30, 6 + 75, 6, 9 - 3, 5 + 12}});

        wide.backward(g, dx, ws);
        assertThat(rows(wideB.gradient())).isDeepEqualTo(new double[][] {{15}, {15}, {15}, {3 * 2}, {3 * 1}});
        // g_q·B_q = 1 + 2 + 5 = 8 and g_v·B_v = 2
        assertThat(rows(a.gradient())).isDeepEqualTo(new double[][] {{3 * 8, 3 * 8 * 2}, {3 * 2, 3 * 2 * 2}});
        // g·W₀ + s·(8·A_q + 2·A_v) = (5, 5) + 3·(14, 14)
        assertThat(rows(dx)).isDeepEqualTo(new double[][] {{5 + 42, 5 + 42}});

        Tensor delta = matrix(row(0, 0), row(0, 0), row(0, 0), row(0, 0), row(0, 0), row(0, 0));
        wide.addDeltaWeight(REFERENCE, delta);
        assertThat(rows(delta)).isDeepEqualTo(new double[][] {{3, 6}, {6, 12}, {15, 30}, {0, 0}, {-9, 3}, {36, -12}});
        assertThat(wide.updates()).extracting(LoraProjection.PartUpdate::firstRow).containsExactly(0, 4);
    }

    @Test
    void partsBehindTheMapsEndOrInAnotherOrderAreRefused() {
        for (List<FusedPart> parts : List.of(List.of(new FusedPart("q", 0, 2), new FusedPart("v", 5, 2)),
                List.of(new FusedPart("v", 4, 2), new FusedPart("q", 0, 2)))) {
            assertThatThrownBy(() -> new MergedLoraLinear(
                    new Linear(w0, bias), parts, a, b, 3, LoraScaling.ALPHA_OVER_R, NO_DROPOUT))
                    .hasMessageContaining("one behind the other");
        }
    }

    @Test
    void factorsOfTheWrongSizeAreRefused() {
        Parameter short_ = trained("B", row(1), row(2));
        assertThatThrownBy(() -> new MergedLoraLinear(
                new Linear(w0, bias), Q_AND_V, a, short_, 3, LoraScaling.ALPHA_OVER_R, NO_DROPOUT))
                .hasMessageContainingAll("2 parts of ", "B (4, 1)", "B(2, 1)");
    }
}
