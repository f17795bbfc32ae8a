package org.lora4j.tuning.lora;

import static org.assertj.core.api.Assertions.assertThat;
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
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** W = W₀ + s·B·A, the merging of section 4.1, with the numbers of {@code LoraLinearTest} and s = 2. */
class MergedWeightsTest {

    private static final Dropout NO_DROPOUT = new Dropout(0, 0);

    private final Parameter w0 = frozen("W₀", row(1, 0, 2), row(0, 3, 1));
    private final Parameter bias = bias(10, 20);
    private final LoraLinear lora = new LoraLinear(
            new Linear(w0, bias), trained("A", row(1, -1, 2)), trained("B", row(3), row(-1)), 2, LoraScaling.ALPHA_OVER_R,
            NO_DROPOUT);

    @Test
    void theMergedWeightIsTheSum() {
        assertThat(rows(MergedWeights.derive(REFERENCE, lora).weight().value())).isDeepEqualTo(new double[][] {
                {1 + 2 * 3, 0 - 2 * 3, 2 + 2 * 6},
                {0 - 2 * 1, 3 + 2 * 1, 1 - 2 * 2}});
    }

    @Test
    void mergedIsBesideTheBaseAndNotWrittenOverIt() {
        Linear merged = MergedWeights.derive(REFERENCE, lora);
        assertThat(merged.weight().value()).isNotSameAs(w0.value());
        assertThat(rows(w0.value())).isDeepEqualTo(new double[][] {{1, 0, 2}, {0, 3, 1}});
        assertThat(merged.bias()).isSameAs(bias);
    }

    @Test
    void theMergedMapGivesWhatEquation3Gives() {
        Tensor x = matrix(row(1, 2, 3), row(0, 1, -1));
        Tensor merged = matrix(row(0, 0), row(0, 0));
        Tensor beside = matrix(row(0, 0), row(0, 0));
        Workspace ws = Workspace.forInference(REFERENCE, 2);
        MergedWeights.derive(REFERENCE, lora).forward(x, merged, ws);
        lora.forward(x, beside, ws);
        assertThat(rows(merged)).isDeepEqualTo(rows(beside)).isDeepEqualTo(new double[][] {{47, 19}, {-10, 28}});
    }

    @Test
    void ofAFusedMapOnlyTheAdaptedPartsChange() {
        Parameter fused = frozen("c_attn", row(1, 0), row(1, 1), row(0, 2)); // q, k, v, one number each
        MergedLoraLinear onV = new MergedLoraLinear(new Linear(fused, null), List.of(new FusedPart("v", 2, 1)),
                trained("A", row(1, 4)), trained("B", row(3)), 2, LoraScaling.ALPHA_OVER_R, NO_DROPOUT);
        assertThat(rows(MergedWeights.derive(REFERENCE, onV).weight().value())).isDeepEqualTo(new double[][] {
                {1, 0},
                {1, 1},
                {0 + 2 * 3, 2 + 2 * 12}});
    }

    @Test
    void anEmbeddingsTableIsMergedTheOtherWayRound() {
        Parameter table = frozen("E₀", row(1, 2), row(3, 4), row(5, 6));
        LoraEmbedding embedding = new LoraEmbedding(new Embedding(table), trained("Aᵀ", row(1), row(-1), row(0)),
                trained("B", row(1), row(3)), 2, LoraScaling.ALPHA_OVER_R);
        assertThat(rows(MergedWeights.derive(REFERENCE, embedding).table().value())).isDeepEqualTo(new double[][] {
                {1 + 2, 2 + 6}, // E₀[0] + s·A[0]·Bᵀ
                {3 - 2, 4 - 6},
                {5, 6}});
        assertThat(rows(table.value())).isDeepEqualTo(new double[][] {{1, 2}, {3, 4}, {5, 6}});
    }
}
