package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.stream.Stream;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.GeluKind;

/**
 * Once compiled, a kernel allocates no more than its task objects. A kernel that grows past what the compiler inlines
 * gives the right numbers still, but puts every vector on the heap and is five times slower: this is where it shows.
 */
@EnabledIfSystemProperty(named = "lora4j.test.warm", matches = "true",
        disabledReason = "what the compiler inlines differs from run to run; ask for it by -Dlora4j.test.warm=true")
class WarmKernelsTest {

    private static final long TASK_OBJECTS = 2048;
    private static final long PATIENCE_NANOS = 60_000_000_000L;
    private static final int ROWS = 64;
    private static final int COLUMNS = 256;

    private static final Workers WORKERS = new Workers(1);
    private static final float[] A = Fixtures.normal(1, ROWS * COLUMNS * 3, 1);
    private static final float[] B = Fixtures.normal(2, ROWS * COLUMNS * 3, 1);
    private static final float[] C = new float[ROWS * COLUMNS * 3];
    private static final float[] ROW = Fixtures.filled(COLUMNS * 4, 0.5f);
    private static final DropoutMask DROPOUT = new DropoutMask(0.1, 1, 2, 3);

    static Stream<Arguments> kernels() {
        AttentionShape attention = AttentionShape.self(1, ROWS, 4, COLUMNS / 4, true);
        AttentionShape decoding = new AttentionShape(1, 1, ROWS, ROWS, 4, COLUMNS / 4, 0.125, true);
        AdamWStep step = new AdamWStep(1e-6, 0.9, 0.999, 1e-8, 0.01, 10, true, AdamWStep.DecayOrder.BEFORE);
        return Stream.of(
                kernel("GELU tanh", () -> GeluKernels.forward(WORKERS, A, 0, C, 0, A.length, GeluKind.TANH)),
                kernel("GELU erf", () -> GeluKernels.forward(WORKERS, A, 0, C, 0, A.length, GeluKind.ERF)),
                kernel("GELU tanh backward",
                        () -> GeluKernels.backward(WORKERS, A, 0, B, 0, C, 0, A.length, GeluKind.TANH)),
                kernel("GELU erf backward",
                        () -> GeluKernels.backward(WORKERS, A, 0, B, 0, C, 0, A.length, GeluKind.ERF)),
                kernel("LayerNorm", () -> LayerNormKernels.forward(
                        WORKERS, A, 0, ROW, 0, ROW, 0, 1e-5, C, 0, ROW, 2 * COLUMNS, ROW, 3 * COLUMNS, ROWS, COLUMNS)),
                kernel("LayerNorm backward", () -> LayerNormKernels.backward(
                        WORKERS, A, 0, B, 0, ROW, 0, A, 0, B, 0, C, 0, C, 0, C, COLUMNS, ROWS, COLUMNS)),
                kernel("cross-entropy", () -> CrossEntropyKernels.forward(
                        WORKERS, A, 0, new int[ROWS], 0, 0.1, C, 0, ROWS, COLUMNS)),
                kernel("cross-entropy with gradient", () -> CrossEntropyKernels.forwardWithGradient(
                        WORKERS, B.clone(), 0, new int[ROWS], 0, 0.1, 1, C, 0, ROWS, COLUMNS), 4L * B.length),
                kernel("attention", () -> attention(attention, DropoutMask.NONE)),
                kernel("attention with dropout", () -> attention(attention, DROPOUT)),
                kernel("attention backward", () -> attentionBackward(attention, DropoutMask.NONE)),
                kernel("attention backward with dropout", () -> attentionBackward(attention, DROPOUT)),
                kernel("decoding", () -> attention(decoding, DropoutMask.NONE)),
                kernel("dropout", () -> ElementwiseKernels.dropout(WORKERS, A, 0, C, 0, A.length, DROPOUT)),
                kernel("column sums",
                        () -> ElementwiseKernels.addColumnSums(WORKERS, A, 0, COLUMNS, ROWS, COLUMNS, C, 0)),
                kernel("AdamW", () -> AdamWKernels.update(
                        WORKERS, C, 0, A, 0, new float[2048], 0, new float[2048], 0, 2048, step), 2 * 8192),
                kernel("sum of squares", () -> Reductions.sumOfSquares(WORKERS, A, 0, A.length)));
    }

    private static Arguments kernel(String name, Runnable call) {
        return kernel(name, call, 0);
    }

    private static Arguments kernel(String name, Runnable call, long own) {
        return Arguments.of(name, call, own);
    }

    private static void attention(AttentionShape shape, DropoutMask dropout) {
        int stride = 3 * COLUMNS;
        AttentionKernels.forward(WORKERS, A, 0, stride, A, COLUMNS, stride, A, 2 * COLUMNS, stride, null, 0, shape, dropout,
                C, 0, COLUMNS, ROW, 0);
    }

    private static void attentionBackward(AttentionShape shape, DropoutMask dropout) {
        int stride = 3 * COLUMNS;
        AttentionKernels.backward(WORKERS, B, 0, COLUMNS, A, 0, stride, A, COLUMNS, stride, A, 2 * COLUMNS, stride,
                B, 0, COLUMNS, ROW, 0, null, 0, shape, dropout, C, 0, stride, C, COLUMNS, stride, C, 2 * COLUMNS, stride);
    }

    /** @param own bytes that the call itself allocates for its operands */
    @ParameterizedTest(name = "{0}")
    @MethodSource("kernels")
    void allocatesNoVectors(String name, Runnable call, long own) {
        ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        long allocated;
        do {
            for (int i = 0; i < 200; i++) {
                call.run();
            }
            long before = thread.getCurrentThreadAllocatedBytes();
            call.run();
            allocated = thread.getCurrentThreadAllocatedBytes() - before;
        } while (allocated > own + TASK_OBJECTS && System.nanoTime() < deadline);
        assertThat(allocated).as("bytes allocated by a warm call of %s", name).isLessThanOrEqualTo(own + TASK_OBJECTS);
    }
}
