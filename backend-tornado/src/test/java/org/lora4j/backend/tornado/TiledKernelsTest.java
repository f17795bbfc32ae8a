package org.lora4j.backend.tornado;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormKind;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** The kernels with work groups, whose groups are run in plain Java, against the reference backend. */
class TiledKernelsTest {

    private static Tensor random(Backend backend, String name, int... extents) {
        Tensor tensor = backend.allocate(Shape.of(extents));
        float[] values = new float[(int) tensor.size()];
        new Philox(20210617).fillNormal(values, 1, 0, Philox.site(name));
        backend.upload(values, tensor);
        return tensor;
    }

    private static double[][] read(Backend backend, Tensor... tensors) {
        return Arrays.stream(tensors).map(backend::readDoubles).toArray(double[][]::new);
    }

    /** What a float computation of such numbers is off by at most. */
    private static void check(Function<Backend, double[][]> operations, Kernel... expectedKernels) {
        List<Kernel> kernels = new ArrayList<>();
        double[][] actual;
        try (Backend backend = WorkGroups.backend(kernels)) {
            actual = operations.apply(backend);
        }
        double[][] expected = operations.apply(new ReferenceBackend());
        assertThat(kernels).contains(expectedKernels);
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).hasSameSizeAs(expected[i]);
            for (int j = 0; j < expected[i].length; j++) {
                double e = expected[i][j];
                double a = actual[i][j];
                if (Double.isFinite(e)) {
                    assertThat(Math.abs(a - e)).as("result %d, element %d: %s, expected %s", i, j, a, e)
                            .isLessThanOrEqualTo(1e-5 * (1 + Math.abs(e)));
                } else {
                    assertThat(a).as("result %d, element %d", i, j).isEqualTo(e);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(NormKind.class)
    void normAndItsGradient(NormKind kind) {
        check(backend -> {
            Norm norm = new Norm(kind, random(backend, "gamma", 300), kind.centres() ? random(backend, "beta", 300) : null, 1e-5);
            NormStatistics rows = new NormStatistics(
                    kind.centres() ? backend.allocate(Shape.of(3)) : null, backend.allocate(Shape.of(3)));
            Tensor x = random(backend, "x", 3, 300);
            Tensor y = backend.allocate(Shape.of(3, 300));
            Tensor dx = random(backend, "dx", 3, 300);
            Tensor dgamma = random(backend, "dgamma", 300);
            backend.norm(norm, x, y, rows);
            backend.normBackward(norm, rows, x, random(backend, "dy", 3, 300), dx, dgamma, null);
            return read(backend, y, rows.rstd(), dx, dgamma);
        }, Kernel.TILED_NORM, Kernel.TILED_NORM_BACKWARD);
    }

    @Test
    void crossEntropyAndItsGradient() {
        check(backend -> {
            Tensor logits = random(backend, "z", 3, 500);
            IntTensor targets = backend.allocateInts(Shape.of(3));
            backend.upload(new int[] {7, -100, 499}, 0, targets, 3);
            Tensor losses = backend.allocate(Shape.of(3));
            backend.crossEntropyWithGradient(logits, targets, 0.1, 0.5, losses);
            return read(backend, losses, logits);
        }, Kernel.TILED_CROSS_ENTROPY);
    }

    @Test
    void product() {
        check(backend -> {
            Tensor c = random(backend, "c", 70, 65);
            backend.matmul(random(backend, "a", 70, 40).matrix(), random(backend, "b", 65, 40).matrix().t(), c.matrix(), 0.5, 1);
            return read(backend, c);
        }, Kernel.TILED_PRODUCT);
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 2, 1})
    void attentionAndItsGradientWithAnyNumberOfKeyHeads(int keyHeads) {
        for (boolean causal : new boolean[] {true, false}) {
            check(backend -> {
                AttentionHeads heads = new AttentionHeads(4, keyHeads, 6, 0.4);
                AttentionShape shape = new AttentionShape(2, 5, 70, 72, heads, causal);
                IntTensor mask = backend.allocateInts(Shape.of(2, 70));
                int[] visible = new int[140];
                Arrays.setAll(visible, i -> i % 7 == 3 || i < 67 ? 0 : 1); // the first queries see no key of their sequence
                backend.upload(visible, 0, mask, 140);
                Attention in = new Attention(
                        random(backend, "q", 10, 24).matrix(), random(backend, "k", 144, heads.keyWidth()).matrix(),
                        random(backend, "v", 144, heads.keyWidth()).matrix(), mask, shape, new DropoutMask(0.2, 1, 2, 3));
                Tensor y = backend.allocate(Shape.of(10, 24));
                Tensor lse = backend.allocate(Shape.of(8, 5));
                Tensor dq = backend.allocate(Shape.of(10, 24));
                Tensor dk = backend.allocate(Shape.of(144, heads.keyWidth()));
                Tensor dv = backend.allocate(Shape.of(144, heads.keyWidth()));
                backend.attention(in, new AttentionOutput(y.matrix(), lse));
                backend.attentionBackward(in, new AttentionOutput(y.matrix(), lse), random(backend, "dy", 10, 24).matrix(),
                        new AttentionGradient(dq.matrix(), dk.matrix(), dv.matrix()));
                return read(backend, y, lse, dq, dk, dv);
            }, Kernel.TILED_ATTENTION, Kernel.TILED_ATTENTION_QUERIES, Kernel.TILED_ATTENTION_KEYS);
        }
    }

    /** A run that has diverged must be seen. */
    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void aScoreThatIsNotANumberReachesTheOutput(float value) {
        AttentionShape shape = AttentionShape.self(1, 9, 1, 4, true);
        try (Backend backend = WorkGroups.backend(new ArrayList<>())) {
            Tensor q = backend.allocate(Shape.of(9, 4));
            backend.fill(q, 1);
            Tensor k = random(backend, "k", 9, 4);
            // −∞ is a weight of 0 beside any other, but there is none beside the first key of the first query
            int bad = value < 0 ? 0 : 3;
            backend.upload(new float[] {value}, 0, k, bad * 4L, 1);
            Tensor y = backend.allocate(Shape.of(9, 4));
            Tensor lse = backend.allocate(Shape.of(1, 9));
            backend.attention(Attention.of(q.matrix(), k.matrix(), random(backend, "v", 9, 4).matrix(), shape),
                    new AttentionOutput(y.matrix(), lse));
            float[] out = backend.readFloats(y);
            for (int t = 0; t < 9; t++) {
                boolean spoilt = value < 0 ? t == 0 : t >= bad;
                assertThat(Float.isNaN(out[t * 4])).as("query %d", t).isEqualTo(spoilt);
            }
        }
    }
}
