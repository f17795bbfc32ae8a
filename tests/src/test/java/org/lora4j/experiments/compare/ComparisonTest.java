package org.lora4j.experiments.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep.Betas;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.ForwardingBackend;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.backend.tornado.TornadoProvider;
import org.lora4j.data.Batch;
import org.lora4j.experiments.compare.Comparison.Subject;
import org.lora4j.experiments.compare.Comparison.Verdict;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.MatrixView;
import org.lora4j.tensor.Tensor;

class ComparisonTest {

    private static final int[] IDS = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7};
    private static final int[] MASK = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
    private static final int[] LABELS = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, -100, -100};
    private static final Batch BATCH = new Batch(2, 7, IDS, MASK, LABELS);

    private static Comparison comparison;

    @BeforeAll
    static void theTruth() {
        comparison = Comparison.with(new ComparedRun(BATCH, 2, 1e-3), ComparisonTest::subject, Comparison.RunListener.NONE);
    }

    private static Subject subject(Backend backend) {
        Gpt2 gpt2 = SmallGpt2.of(SmallGpt2.TIED, backend);
        return new Subject(gpt2, StandInAdapter.attach(gpt2, 7));
    }

    @Test
    void referenceBesideItselfIsExactlyItself() {
        Verdict verdict = judge(new ReferenceBackend());

        assertThat(verdict.places()).allSatisfy(row -> assertThat(row.distance().relative()).as(row.text()).isZero());
        assertThat(verdict.tapsChangeNothing()).isTrue();
    }

    @Test
    void cpuIsWithinItsBoundEverywhereAndNotByBeingExact() {
        Verdict verdict = judge(Backends.create("cpu"));

        assertThat(verdict.firstOverBound()).isEmpty();
        assertThat(verdict.tapsChangeNothing()).isTrue();
        assertThat(verdict.worst().share()).isBetween(1e-3, 1.0);
    }

    /** Its kernels sum in one long row where {@code cpu} has lanes: the bounds must hold for that too. */
    @Test
    void tornadosKernelsInPlainJavaAreWithinTheirBoundsEverywhere() {
        Verdict verdict = judge(TornadoProvider.inPlainJava());

        assertThat(verdict.firstOverBound()).isEmpty();
    }

    @Test
    void everyPlaceOfTheModelIsLookedAtInTheOrderOfTheWork() {
        List<JudgedPlace> places = judge(new ReferenceBackend()).places();

        assertThat(places.stream().filter(place -> place.kind() == Kind.VALUE).map(JudgedPlace::place)).containsExactly(
                Stream.of(
                        Stream.of("transformer.embeddings"), block(0), block(1),
                        Stream.of("transformer.ln_f", "lm_head", "loss")).flatMap(names -> names).toArray(String[]::new));
        assertThat(places.stream().filter(place -> place.kind() == Kind.FLOW).map(JudgedPlace::place)).startsWith(
                "lm_head", "transformer.ln_f", "transformer.h.1.mlp.residual", "transformer.h.1.mlp.act");
        Set<String> trained = places.stream().filter(place -> place.kind() == Kind.GRADIENT).map(JudgedPlace::place)
                .collect(Collectors.toSet());
        assertThat(trained).hasSize(2 * 4 * 2).allMatch(name -> name.contains(".lora_"));
        assertThat(places.stream().filter(place -> place.kind() == Kind.UPDATE)).hasSize(2 * (1 + trained.size()));
        assertThat(places.stream().map(JudgedPlace::kind)).isSorted();
    }

    private static Stream<String> block(int layer) {
        return Stream.of("ln_1", "attn.c_attn", "attn.heads", "attn.c_proj", "attn.residual", "ln_2", "mlp.c_fc", "mlp.act",
                "mlp.c_proj", "mlp.residual").map(part -> "transformer.h." + layer + "." + part);
    }

    @Test
    void theModelIsAfterwardsAsItWasBefore() {
        try (Backend backend = Backends.create("cpu")) {
            Subject subject = subject(backend);
            List<double[]> before = values(backend, subject.trainable());

            new ComparedRun(BATCH, 2, 1e-3).on(subject.model(), subject.trainable());

            assertThat(values(backend, subject.trainable())).usingRecursiveComparison().isEqualTo(before);
        }
    }

    private static List<double[]> values(Backend backend, List<Parameter> trainable) {
        return trainable.stream().map(parameter -> backend.readDoubles(parameter.value())).toList();
    }

    // ------------------------------------------------------------------------------------------------ wrong backends

    /** A backend that is right but for one result of one operation, by a part in ten thousand. */
    private abstract static class Wrong extends ForwardingBackend {

        private int calls;

        Wrong() {
            super(Backends.create("cpu"));
        }

        /** True in the call of the given number, counted from 1. */
        final boolean isCall(int number) {
            return ++calls == number;
        }

        final void spoil(MatrixView x) {
            float[] value = new float[1];
            long at = x.offset() + (x.rows() - 1L) / 2 * x.rowStride() + x.columns() / 2;
            delegate.read(x.tensor(), at, value, 0, 1);
            value[0] = value[0] * 1.01f + 1e-4f;
            delegate.upload(value, 0, x.tensor(), at, 1);
        }

        @Override
        public void close() {
            delegate.close();
        }
    }

    private static final class WrongGelu extends Wrong {
        @Override
        public void activate(Activation kind, Tensor x, Tensor y) {
            super.activate(kind, x, y);
            if (isCall(2)) {
                spoil(y.matrix());
            }
        }
    }

    private static final class WrongAttention extends Wrong {
        @Override
        public void attention(Attention in, AttentionOutput out) {
            super.attention(in, out);
            if (isCall(2)) {
                spoil(out.y());
            }
        }
    }

    /** Forgets the causal mask in backward's second call, that of the first layer. */
    private static final class WrongAttentionBackward extends Wrong {
        @Override
        public void attentionBackward(Attention in, AttentionOutput out, MatrixView dy, AttentionGradient gradient) {
            AttentionShape shape = in.shape();
            super.attentionBackward(!isCall(2) ? in : new Attention(in.q(), in.k(), in.v(), in.mask(), new AttentionShape(
                    shape.batch(), shape.queries(), shape.keys(), shape.keyRows(), shape.heads(), false), in.dropout()),
                    out, dy, gradient);
        }
    }

    private static final class WrongLayerNorm extends Wrong {
        @Override
        public void norm(Norm norm, Tensor x, Tensor y, NormStatistics rows) {
            super.norm(norm, x, y, rows);
            if (isCall(1)) {
                spoil(y.matrix());
            }
        }
    }

    /** Takes another ε, as a wrong constant in a kernel would be. */
    private static final class WrongUpdate extends Wrong {
        @Override
        public void adamW(Tensor p, Tensor g, Tensor m, Tensor v, AdamWStep step) {
            super.adamW(p, g, m, v, new AdamWStep(step.learningRate(), new Betas(step.beta1(), 0.99), step.epsilon(), step.weightDecay(),
                    step.step(), false, step.decayOrder()));
        }
    }

    private static final class NotANumber extends Wrong {
        @Override
        public void crossEntropyWithGradient(
                Tensor logits, IntTensor targets, double labelSmoothing, double weight, Tensor losses) {
            super.crossEntropyWithGradient(logits, targets, labelSmoothing, weight, losses);
            delegate.upload(new float[] {Float.NaN}, 0, losses, 3, 1);
        }
    }

    static Stream<Arguments> wrongBackends() {
        return Stream.of(
                wrong(WrongGelu::new, Kind.VALUE, "transformer.h.1.mlp.act", 0),
                wrong(WrongAttention::new, Kind.VALUE, "transformer.h.1.attn.heads", 0),
                wrong(WrongLayerNorm::new, Kind.VALUE, "transformer.h.0.ln_1", 0),
                wrong(NotANumber::new, Kind.VALUE, "loss", 0),
                wrong(WrongAttentionBackward::new, Kind.FLOW, "transformer.h.0.attn.c_attn", 0),
                wrong(WrongUpdate::new, Kind.UPDATE, "transformer.h.0.attn.c_attn.lora_A.weight", 1));
    }

    private static Arguments wrong(Supplier<Backend> backend, Kind kind, String place, int step) {
        return Arguments.of(backend, kind, place, step);
    }

    @ParameterizedTest(name = "{1} at {2}")
    @MethodSource("wrongBackends")
    void aBackendThatIsWrongInOneOperationIsFoundAtItsFirstResult(
            Supplier<Backend> backend, Kind kind, String place, int step) {
        JudgedPlace first = judge(backend.get()).firstOverBound().orElseThrow();

        assertThat(first.kind()).isEqualTo(kind);
        assertThat(first.place()).isEqualTo(place);
        assertThat(first.step()).isEqualTo(step);
        assertThat(first.share()).isGreaterThan(1);
    }

    private static Verdict judge(Backend backend) {
        try (backend) {
            return comparison.of(backend);
        }
    }
}
