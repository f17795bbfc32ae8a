package org.lora4j.backend.cpu;

import java.util.List;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep.Betas;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.Precision;
import org.lora4j.backend.WeightType;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** A call of every kernel, on one thread: for tests of what the compiler makes of them. */
final class KernelCalls {

    /**
     * @param own bytes that the call itself allocates for its operands
     */
    record Call(String name, Runnable code, long own) {

        @Override
        public String toString() {
            return name;
        }
    }

    private static final int ROWS = 64;
    private static final int COLUMNS = 256;

    private static final Workers WORKERS = new Workers(1);
    private static final float[] A = Fixtures.normal(1, COLUMNS * COLUMNS, 1);
    private static final float[] B = Fixtures.normal(2, COLUMNS * COLUMNS, 1);
    private static final float[] C = new float[COLUMNS * COLUMNS];
    private static final float[] ROW = Fixtures.filled(COLUMNS * 4, 0.5f);
    private static final DropoutFactors DROPOUT = new DropoutFactors(new DropoutMask(0.1, 1, 2, 3));

    private static final CpuBackend BACKEND = new CpuBackend(new BackendOptions(1, Precision.STRICT));
    private static final Tensor MATRIX = tensor(A, COLUMNS, COLUMNS);

    private KernelCalls() {
    }

    /** Each kernel some times, in a process whose compiler is watched. */
    public static void main(String[] args) {
        for (Call call : all()) {
            for (int i = 0; i < 8; i++) {
                call.code.run();
            }
        }
        System.exit(0);
    }

    static List<Call> all() {
        AttentionShape attention = AttentionShape.self(1, ROWS, 4, COLUMNS / 4, true);
        AttentionShape decoding = new AttentionShape(1, 1, ROWS, ROWS, AttentionHeads.of(4, COLUMNS / 4, 0.125), true);
        AdamWStep step = new AdamWStep(1e-6, new Betas(0.9, 0.999), 1e-8, 0.01, 10, true, AdamWStep.DecayOrder.BEFORE);
        return List.of(
                kernel("GELU tanh", () -> GeluKernels.forward(WORKERS, A, 0, C, 0, A.length, Activation.GELU_TANH)),
                kernel("GELU erf", () -> GeluKernels.forward(WORKERS, A, 0, C, 0, A.length, Activation.GELU_ERF)),
                kernel("GELU tanh backward",
                        () -> GeluKernels.backward(WORKERS, A, 0, B, 0, C, 0, A.length, Activation.GELU_TANH)),
                kernel("GELU erf backward",
                        () -> GeluKernels.backward(WORKERS, A, 0, B, 0, C, 0, A.length, Activation.GELU_ERF)),
                activation(Activation.RELU), activationBackward(Activation.RELU),
                activation(Activation.SILU), activationBackward(Activation.SILU),
                activation(Activation.TANH), activationBackward(Activation.TANH),
                activation(Activation.SIGMOID), activationBackward(Activation.SIGMOID),
                kernel("LayerNorm", () -> LayerNormKernels.forward(
                        WORKERS, A, 0, ROW, 0, ROW, 0, 1e-5, C, 0, ROW, 2 * COLUMNS, ROW, 3 * COLUMNS, ROWS, COLUMNS)),
                kernel("LayerNorm backward", () -> LayerNormKernels.backward(
                        WORKERS, A, 0, B, 0, ROW, 0, A, 0, B, 0, C, 0, C, 0, C, COLUMNS, ROWS, COLUMNS)),
                kernel("RMSNorm", () -> RmsNormKernels.forward(WORKERS, A, ROW, 1, 1e-5, C, ROW, ROWS, COLUMNS)),
                kernel("RMSNorm backward", () -> RmsNormKernels.backward(WORKERS, A, B, ROW, 1, ROW, C, C, ROWS, COLUMNS)),
                kernel("cross-entropy", () -> CrossEntropyKernels.forward(
                        WORKERS, A, 0, new int[ROWS], 0, 0.1, C, 0, ROWS, COLUMNS)),
                kernel("cross-entropy with gradient", () -> CrossEntropyKernels.forwardWithGradient(
                        WORKERS, B.clone(), 0, new int[ROWS], 0, 0.1, 1, C, 0, ROWS, COLUMNS), 4L * B.length),
                kernel("attention", () -> attention(attention, null)),
                kernel("attention with dropout", () -> attention(attention, DROPOUT)),
                kernel("attention backward", () -> attentionBackward(attention, null)),
                kernel("attention backward with dropout", () -> attentionBackward(attention, DROPOUT)),
                kernel("decoding", () -> attention(decoding, null)),
                kernel("dropout", () -> ElementwiseKernels.dropout(WORKERS, A, 0, C, 0, A.length, DROPOUT)),
                kernel("column sums",
                        () -> ElementwiseKernels.addColumnSums(WORKERS, A, 0, COLUMNS, ROWS, COLUMNS, C, 0)),
                kernel("AdamW", () -> AdamWKernels.update(
                        WORKERS, C, 0, A, 0, new float[2048], 0, new float[2048], 0, 2048, step), 2 * 8192),
                kernel("sum of squares", () -> Reductions.sumOfSquares(WORKERS, A, 0, A.length)),
                product("x·Wᵀ", MATRIX.rows(0, 19), MATRIX.rows(0, 36).t()),
                product("g·W", MATRIX.rows(0, 19), MATRIX.rows(0, COLUMNS)),
                product("gᵀ·x", MATRIX.rows(0, 36).t(), MATRIX.rows(0, 36)),
                product("one row", MATRIX.rows(0, 1), MATRIX.rows(0, 36).t()),
                product("one row with a rest", MATRIX.rows(0, 1).columns(0, 99), MATRIX.rows(0, 36).columns(0, 99).t()),
                product("few rows", MATRIX.rows(0, 4), MATRIX.rows(0, 36).t()),
                product("few rows with a rest", MATRIX.rows(0, 4).columns(0, 99), MATRIX.rows(0, 36).columns(0, 99).t()),
                linear("bf16 weights, one row", 1, weights(WeightType.BF16)),
                linear("bf16 weights, few rows", 5, weights(WeightType.BF16)),
                linear("bf16 weights, a short prompt", 19, weights(WeightType.BF16)),
                linear("bf16 weights", 60, weights(WeightType.BF16)),
                linear("int8 weights, one row", 1, weights(WeightType.INT8)),
                linear("int8 weights, few rows", 5, weights(WeightType.INT8)),
                linear("int8 weights, a short prompt", 19, weights(WeightType.INT8)),
                linear("int8 weights", 60, weights(WeightType.INT8)));
    }

    private static Call kernel(String name, Runnable code) {
        return kernel(name, code, 0);
    }

    private static Call kernel(String name, Runnable code, long own) {
        return new Call(name, code, own);
    }

    private static Call activation(Activation kind) {
        return kernel(kind.name(), () -> ActivationKernels.forward(WORKERS, A, 0, C, 0, A.length, kind));
    }

    private static Call activationBackward(Activation kind) {
        return kernel(kind + " backward", () -> ActivationKernels.backward(WORKERS, A, 0, B, 0, C, 0, A.length, kind));
    }

    private static Call product(String name, MatrixView a, MatrixView b) {
        MatrixView c = BACKEND.allocate(Shape.of(a.rows(), b.columns())).matrix();
        return kernel("product " + name, () -> BACKEND.matmul(a, b, c, 1, 0));
    }

    private static Call linear(String name, int rows, Tensor weights) {
        MatrixView y = BACKEND.allocate(Shape.of(rows, weights.rows())).matrix();
        return kernel("product with " + name, () -> BACKEND.linear(MATRIX.rows(0, rows), weights.matrix(), null, y));
    }

    private static Tensor weights(WeightType type) {
        Tensor weights = BACKEND.allocateWeight(Shape.of(36, COLUMNS), type);
        BACKEND.upload(A, 0, weights, 0, 36 * COLUMNS);
        return weights;
    }

    private static Tensor tensor(float[] values, int rows, int columns) {
        Tensor tensor = BACKEND.allocate(Shape.of(rows, columns));
        BACKEND.upload(values, 0, tensor, 0, rows * columns);
        return tensor;
    }

    private static void attention(AttentionShape shape, DropoutFactors dropout) {
        int stride = 3 * COLUMNS;
        AttentionKernels.forward(WORKERS, A, 0, stride, A, COLUMNS, stride, A, 2 * COLUMNS, stride, null, 0, shape, dropout, null,
                C, 0, COLUMNS, ROW, 0);
    }

    private static void attentionBackward(AttentionShape shape, DropoutFactors dropout) {
        int stride = 3 * COLUMNS;
        AttentionKernels.backward(WORKERS, B, 0, COLUMNS, A, 0, stride, A, COLUMNS, stride, A, 2 * COLUMNS, stride,
                B, 0, COLUMNS, ROW, 0, null, 0, shape, dropout, null, null, C, 0, stride, C, COLUMNS, stride, C, 2 * COLUMNS, stride);
    }
}
