package org.lora4j.tuning.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.ByHand.REFERENCE;
import static org.lora4j.ByHand.frozen;
import static org.lora4j.ByHand.matrix;
import static org.lora4j.ByHand.row;
import static org.lora4j.ByHand.rows;
import static org.lora4j.ByHand.trained;

import org.junit.jupiter.api.Test;
import org.lora4j.ByHand;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** A table of 4 tokens with 2 features and an update of rank 1: A = (1, −1, 0, 2), alpha = 2 and so s = 2. */
class LoraEmbeddingTest {

    private final Parameter table = frozen("E₀", row(1, 2), row(3, 4), row(5, 6), row(7, 8));
    private final Parameter aTransposed = trained("Aᵀ", row(1), row(-1), row(0), row(2));
    private final Parameter b = trained("B", row(1), row(3));
    private final LoraEmbedding lora =
            new LoraEmbedding(new Embedding(table), aTransposed, b, 2, LoraScaling.ALPHA_OVER_R);

    private final IntTensor ids = ids(3, 0, 3);
    private final Workspace ws = Workspace.forGradients(REFERENCE, 3);
    private final Tensor y = matrix(row(0, 0), row(0, 0), row(0, 0));

    @Test
    void aTokensColumnOfAGoesThroughB() {
        lora.forward(ids, y, 0, ws);
        assertThat(rows(y)).isDeepEqualTo(new double[][] {
                {7 + 2 * 2 * 1, 8 + 2 * 2 * 3}, // E₀[3] + s·A[:, 3]·Bᵀ
                {1 + 2 * 1 * 1, 2 + 2 * 1 * 3}, // E₀[0] + s·A[:, 0]·Bᵀ
                {11, 20}});
    }

    @Test
    void onlyTokensThatOccurGetAGradientAndRepetitionsAddUp() {
        lora.forward(ids, y, 0, ws);
        lora.backward(ids, matrix(row(1, 0), row(0, 1), row(1, 1)), ws);
        // s·Bᵀ·g: token 3 has 2·(1) + 2·(1 + 3), token 0 has 2·3
        assertThat(rows(aTransposed.gradient())).isDeepEqualTo(new double[][] {{6}, {0}, {0}, {2 + 8}});
        // s·gᵀ·u with u = (2, 1, 2)
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {{2 * (2 + 0 + 2)}, {2 * (0 + 1 + 2)}});
        assertThat(table.gradient()).isNull();
    }

    @Test
    void anAOfZeroLeavesTheBitsAndIsWhatMovesFirst() {
        ByHand.set(aTransposed.value(), row(0), row(0), row(0), row(0));
        lora.forward(ids, y, 0, ws);
        assertThat(rows(y)).isDeepEqualTo(new double[][] {{7, 8}, {1, 2}, {7, 8}});
        lora.backward(ids, matrix(row(1, 0), row(0, 1), row(1, 1)), ws);
        assertThat(rows(b.gradient())).isDeepEqualTo(new double[][] {{0}, {0}});
        assertThat(rows(aTransposed.gradient())).isDeepEqualTo(new double[][] {{6}, {0}, {0}, {10}});
    }

    @Test
    void itIsAMapOfOneHotVectors() {
        // the row of token v is x·E where x is 1 at v: so E = E₀ + (s·B·A)ᵀ gives the same
        Tensor merged = matrix(row(0, 0), row(0, 0), row(0, 0), row(0, 0));
        REFERENCE.copy(table.value().matrix(), merged.matrix());
        lora.addDeltaTable(REFERENCE, merged);
        assertThat(rows(merged)).isDeepEqualTo(new double[][] {
                {1 + 2, 2 + 6},
                {3 - 2, 4 - 6},
                {5, 6},
                {7 + 4, 8 + 12}});
    }

    private static IntTensor ids(int... ids) {
        IntTensor tensor = REFERENCE.allocateInts(Shape.of(ids.length));
        REFERENCE.upload(ids, 0, tensor, ids.length);
        return tensor;
    }
}
