package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep.Betas;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormKind;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.ShapeMismatchException;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Shapes that do not fit are refused, with the shapes as passed in the message. */
abstract class ErrorContract extends ContractFamily {

    private static final AttentionShape SELF = AttentionShape.self(2, 3, 2, 2, true);

    ErrorContract(Subject subject) {
        super(subject);
    }

    private Tensor shaped(int... extents) {
        return backend().allocate(Shape.of(extents));
    }

    private MatrixView matrix(int rows, int columns) {
        return shaped(rows, columns).matrix();
    }

    private static void refused(Runnable operation, String... shapes) {
        assertThatThrownBy(operation::run).isInstanceOf(ShapeMismatchException.class).hasMessageContainingAll(shapes);
    }

    @Test
    void elementwise() {
        refused(() -> backend().copy(matrix(2, 3), matrix(3, 3)), "(2, 3)", "(3, 3)");
        refused(() -> backend().copy(matrix(2, 3), matrix(2, 4)), "(2, 3)", "(2, 4)");
        refused(() -> backend().add(matrix(2, 3), matrix(3, 2), 1), "(2, 3)", "(3, 2)");
        refused(() -> backend().add(shaped(6), shaped(7)), "6", "7");
        refused(() -> backend().dropout(shaped(2, 3), shaped(2, 4), DropoutMask.NONE), "(2, 3)", "(2, 4)");
        refused(() -> backend().dropout(shaped(2, 3), shaped(2, 4), new DropoutMask(0.5, 1, 2, 3)), "(2, 3)", "(2, 4)");
        refused(() -> backend().activate(Activation.GELU_ERF, shaped(2, 3), shaped(5)), "(2, 3)", "(5)");
        refused(() -> backend().activateBackward(Activation.GELU_TANH, shaped(2, 3), shaped(2, 2), shaped(2, 3)), "(2, 3)", "(2, 2)");
        refused(() -> backend().activateBackward(Activation.GELU_TANH, shaped(2, 3), shaped(2, 3), shaped(2, 2)), "(2, 3)", "(2, 2)");
    }

    @Test
    void columns() {
        refused(() -> backend().addRow(matrix(1, 4), 1, matrix(2, 3)), "(1, 4)", "(2, 3)");
        refused(() -> backend().addRow(matrix(2, 3), 1, matrix(2, 3)), "(2, 3)");
        refused(() -> backend().scaleColumns(matrix(2, 3), matrix(1, 2), 0, matrix(2, 3), 0), "(2, 3)", "(1, 2)");
        refused(() -> backend().scaleColumns(matrix(2, 3), matrix(1, 3), 0, matrix(3, 3), 0), "(2, 3)", "(3, 3)");
        refused(() -> backend().addColumnDots(matrix(2, 3), matrix(2, 4), matrix(1, 3)), "(2, 3)", "(2, 4)");
        refused(() -> backend().addColumnDots(matrix(3, 2).t(), matrix(2, 3).t(), matrix(1, 3)), "(3, 2)ᵀ", "(2, 3)ᵀ");
        refused(() -> backend().addColumnDots(matrix(2, 3), matrix(2, 3), matrix(1, 2)), "(2, 3)", "(1, 2)");
        refused(() -> backend().divideByRoots(matrix(1, 3), matrix(1, 2), matrix(1, 3), 0), "(1, 3)", "(1, 2)");
    }

    @Test
    void products() {
        refused(() -> backend().matmul(matrix(2, 3), matrix(4, 5), matrix(2, 5), 1, 0), "(2, 3)", "(4, 5)");
        refused(() -> backend().matmul(matrix(3, 2).t(), matrix(5, 4).t(), matrix(2, 5), 1, 0), "(3, 2)ᵀ", "(5, 4)ᵀ");
        refused(() -> backend().matmul(matrix(2, 3), matrix(3, 5), matrix(2, 4), 1, 0), "(2, 3)", "(3, 5)", "(2, 4)");
        refused(() -> backend().matmul(matrix(2, 3), matrix(3, 5), matrix(3, 5), 1, 0), "(2, 3)", "(3, 5)");
        refused(() -> backend().linear(matrix(2, 3), matrix(5, 4), null, matrix(2, 5)), "(2, 3)", "(5, 4)");
        refused(() -> backend().linear(matrix(2, 3), matrix(5, 3), null, matrix(2, 4)), "(5, 3)", "(2, 4)");
        refused(() -> backend().linear(matrix(2, 3), matrix(5, 3), shaped(4), matrix(2, 5)), "(5, 3)", "(4)");
        refused(() -> backend().addColumnSums(matrix(2, 3), shaped(4)), "(2, 3)", "(4)");
    }

    @Test
    void norms() {
        refused(() -> layerNorm(shaped(4), shaped(3), shaped(2, 3), shaped(2), shaped(2)), "(2, 3)", "(4)");
        refused(() -> layerNorm(shaped(3), shaped(4), shaped(2, 3), shaped(2), shaped(2)), "(2, 3)", "(4)");
        refused(() -> layerNorm(shaped(3), shaped(3), shaped(2, 4), shaped(2), shaped(2)), "(2, 3)", "(2, 4)");
        refused(() -> layerNorm(shaped(3), shaped(3), shaped(2, 3), shaped(7), shaped(2)), "(2, 3)", "(7)");
        refused(() -> layerNorm(shaped(3), shaped(3), shaped(2, 3), shaped(2), shaped(7)), "(2, 3)", "(7)");
        refused(() -> layerNormBackward(shaped(2, 4), shaped(2, 3), null, null), "(2, 4)", "(2, 3)");
        refused(() -> layerNormBackward(shaped(2, 3), shaped(4, 3), null, null), "(2, 3)", "(4, 3)");
        refused(() -> layerNormBackward(shaped(2, 3), shaped(2, 3), shaped(5), null), "(2, 3)", "(5)");
        refused(() -> layerNormBackward(shaped(2, 3), shaped(2, 3), null, shaped(5)), "(2, 3)", "(5)");
        // of the root mean square there is no mean and no beta
        refused(() -> backend().norm(Norm.rms(shaped(4), 0), shaped(2, 3), shaped(2, 3), new NormStatistics(null, shaped(2))),
                "(2, 3)", "(4)");
        refused(() -> backend().norm(Norm.rms(shaped(3), 0), shaped(2, 3), shaped(2, 3), new NormStatistics(shaped(2), shaped(2))),
                "RMS", "(2)");
        refused(() -> backend().norm(Norm.layer(shaped(3), shaped(3), 0), shaped(2, 3), shaped(2, 3),
                new NormStatistics(null, shaped(2))), "mean", "(2)");
        refused(() -> backend().normBackward(Norm.rmsOnePlus(shaped(3), 0), new NormStatistics(null, shaped(2)), shaped(2, 3),
                shaped(2, 3), shaped(2, 3), null, shaped(3)), "RMS_ONE_PLUS", "dbeta (3)");
        assertThatThrownBy(() -> new Norm(NormKind.LAYER, shaped(3), null, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Norm(NormKind.RMS, shaped(3), shaped(3), 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private void layerNorm(Tensor gamma, Tensor beta, Tensor y, Tensor mean, Tensor rstd) {
        backend().norm(Norm.layer(gamma, beta, 0), shaped(2, 3), y, new NormStatistics(mean, rstd));
    }

    private void layerNormBackward(Tensor dy, Tensor dx, Tensor dgamma, Tensor dbeta) {
        backend().normBackward(Norm.layer(shaped(3), shaped(3), 0), new NormStatistics(shaped(2), shaped(2)), shaped(2, 3), dy,
                dx, dgamma, dbeta);
    }

    @Test
    void attention() {
        MatrixView x = matrix(6, 4);
        AttentionShape grouped = AttentionShape.self(2, 3, AttentionHeads.of(2, 2, 1).withKeyHeads(1), true);
        refused(() -> backend().attention(Attention.of(x, x, matrix(6, 2), grouped),
                new AttentionOutput(matrix(6, 4), null)), "k and v (2·3, 2)", "k (6, 4)");
        assertThatThrownBy(() -> new AttentionHeads(4, 3, 2, 1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("4 heads").hasMessageContaining("3 key heads");
        refused(() -> backend().attention(Attention.of(matrix(5, 4), x, x, SELF), new AttentionOutput(matrix(6, 4), null)),
                "(5, 4)", "(6, 4)");
        refused(() -> backend().attention(Attention.of(x, matrix(6, 5), x, SELF), new AttentionOutput(matrix(6, 4), null)),
                "(6, 5)", "(6, 4)");
        refused(() -> backend().attention(Attention.of(x, x, matrix(7, 4), SELF), new AttentionOutput(matrix(6, 4), null)),
                "(7, 4)", "(6, 4)");
        refused(() -> backend().attention(Attention.of(x, x, x, SELF), new AttentionOutput(matrix(4, 6), null)), "(4, 6)",
                "(6, 4)");
        IntTensor mask = backend().allocateInts(Shape.of(2, 4));
        refused(() -> backend().attention(new Attention(x, x, x, mask, SELF, DropoutMask.NONE),
                new AttentionOutput(matrix(6, 4), null)), "(2, 4)", "(6, 4)");
        refused(() -> backend().attention(Attention.of(x, x, x, SELF), new AttentionOutput(matrix(6, 4), shaped(4, 4))),
                "(4, 4)", "(6, 4)");
        refused(() -> backend().attentionBackward(Attention.of(x, x, x, SELF), new AttentionOutput(x, shaped(4, 3)), x,
                new AttentionGradient(matrix(6, 4), matrix(8, 4), matrix(6, 4))), "(6, 4)", "(8, 4)");
        refused(() -> backend().attentionBackward(Attention.of(x, x, x, SELF), new AttentionOutput(x, shaped(4, 3)),
                matrix(6, 5), new AttentionGradient(matrix(6, 4), matrix(6, 4), matrix(6, 4))), "(6, 5)", "(6, 4)");
    }

    @Test
    void embeddings() {
        IntTensor rows = backend().allocateInts(Shape.of(5));
        refused(() -> backend().gatherRows(shaped(7, 3), rows, shaped(4, 3), 0), "(7, 3)", "(5)", "(4, 3)");
        refused(() -> backend().gatherRows(shaped(7, 3), rows, shaped(5, 4), 0), "(7, 3)", "(5, 4)");
        refused(() -> backend().scatterAddRows(shaped(4, 3), rows, shaped(7, 3)), "(7, 3)", "(5)", "(4, 3)");
        refused(() -> backend().scatterAddRows(shaped(5, 4), rows, shaped(7, 3)), "(7, 3)", "(5, 4)");
    }

    @Test
    void loss() {
        IntTensor targets = backend().allocateInts(Shape.of(5));
        refused(() -> backend().crossEntropy(shaped(4, 9), targets, 0, shaped(4)), "(4, 9)", "(5)");
        refused(() -> backend().crossEntropy(shaped(5, 9), targets, 0, shaped(4)), "(5, 9)", "(4)");
        refused(() -> backend().crossEntropyWithGradient(shaped(4, 9), targets, 0, 1, shaped(4)), "(4, 9)", "(5)");
        refused(() -> backend().crossEntropyWithGradient(shaped(5, 9), targets, 0, 1, shaped(4)), "(5, 9)", "(4)");
    }

    @Test
    void update() {
        AdamWStep step = new AdamWStep(1, new Betas(0.9, 0.99), 1e-8, 0, 1, true, DecayOrder.BEFORE);
        refused(() -> backend().adamW(shaped(2, 3), shaped(5), shaped(2, 3), shaped(2, 3), step), "(2, 3)", "(5)");
        refused(() -> backend().adamW(shaped(2, 3), shaped(2, 3), shaped(5), shaped(2, 3), step), "(2, 3)", "(5)");
        refused(() -> backend().adamW(shaped(2, 3), shaped(2, 3), shaped(2, 3), shaped(5), step), "(2, 3)", "(5)");
    }
}
