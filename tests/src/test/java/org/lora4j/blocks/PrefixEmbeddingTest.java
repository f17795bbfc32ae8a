package org.lora4j.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.fixture.SmallBatches.Side;
import org.lora4j.fixture.SmallBatches;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.generate.Engine;
import org.lora4j.generate.Request;
import org.lora4j.generate.Sampling;
import org.lora4j.generate.Ticket;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** Trained embeddings before the first position: the paper's prefix-embedding tuning, put in by a layer of this test. */
class PrefixEmbeddingTest {

    private static final int PREFIX = 2;

    /** The base's table with rows of its own below, which alone train. */
    private static final class Prefixed implements TokenEmbedding {

        private final Embedding base;
        private final Parameter own;
        private final Tensor all;
        private final Tensor gradient;

        Prefixed(Embedding base, Backend backend) {
            this.base = base;
            own = Parameter.zeros("prefix", backend, Shape.of(PREFIX, base.features())).train();
            SmallGpt2.randomise(backend, List.of(own));
            all = backend.allocate(Shape.of(base.rows() + PREFIX, base.features()));
            gradient = backend.allocate(all.shape());
        }

        @Override
        public int[] prefix() {
            return IntStream.range(base.rows(), base.rows() + PREFIX).toArray();
        }

        @Override
        public int rows() {
            return base.rows() + PREFIX;
        }

        @Override
        public int features() {
            return base.features();
        }

        @Override
        public void forward(IntTensor ids, Tensor y, double beta, Workspace ws) {
            ws.backend().copy(base.table().value().matrix(), all.rows(0, base.rows()));
            ws.backend().copy(own.value().matrix(), all.rows(base.rows(), PREFIX));
            ws.backend().gatherRows(all, ids, y, beta);
        }

        @Override
        public void backward(IntTensor ids, Tensor dy, Workspace ws) {
            ws.backend().fill(gradient, 0);
            ws.backend().scatterAddRows(dy, ids, gradient);
            ws.backend().add(gradient.rows(base.rows(), PREFIX), own.gradient().matrix(), 1);
        }

        @Override
        public List<Parameter> parameters() {
            List<Parameter> parameters = new ArrayList<>(base.parameters());
            parameters.add(own);
            return parameters;
        }
    }

    private final Backend backend = Backends.create("reference");
    private final Gpt2 model = SmallGpt2.of(SmallGpt2.TIED, backend, 0.1);
    private final Slot<TokenEmbedding> tokens = model.embeddings().getFirst();
    private final Embedding base = (Embedding) tokens.get();
    private Prefixed prefixed;

    @BeforeEach
    void make() {
        prefixed = new Prefixed(base, backend);
    }

    private Workspace workspace() {
        return Workspace.forTraining(backend, 27, 7);
    }

    private double loss(Batch batch) {
        return model.lossAndGradients(batch, 1, 0.1, 3, workspace());
    }

    @ParameterizedTest
    @EnumSource
    void itTrainsAndGoesWithoutATrace(Side side) {
        Batch batch = SmallBatches.of(new int[] {6, 4, 7}, side, 11, 1, 3);
        double before = loss(batch);
        tokens.set(prefixed);
        double with = loss(batch);
        assertThat(with).isNotEqualTo(before);
        double[] gradient = backend.readDoubles(prefixed.own.gradient());
        double[] here = backend.readDoubles(prefixed.own.value());
        double h = 0x1p-12;
        for (int i = 0; i < here.length; i++) {
            int at = i;
            double[] losses = IntStream.of(2, 1, -1, -2).mapToDouble(times -> {
                double[] there = here.clone();
                there[at] += times * h;
                backend.upload(there, prefixed.own.value());
                return loss(batch);
            }).toArray();
            double slope = (8 * (losses[1] - losses[2]) - (losses[0] - losses[3])) / (12 * h);
            assertThat(gradient[i]).isCloseTo(slope, within(1e-8)); // as in GradientCheck, for a sum of 14 losses
        }
        assertThat(Arrays.stream(gradient).map(Math::abs).max().orElseThrow()).isGreaterThan(1e-2);
        tokens.set(base);
        assertThat(loss(batch)).isEqualTo(before);
    }

    /** As a text that begins with two tokens of the vocabulary whose rows are the prefix's. */
    @Test
    void itIsWhatTokensWithTheseEmbeddingsWouldBe() {
        int[] ids = {4, 9, 1, 7};
        double[] table = backend.readDoubles(base.table().value());
        double[] rows = Arrays.copyOfRange(table, 2 * 8, 4 * 8);
        backend.upload(rows, prefixed.own.value());
        Workspace ws = Workspace.forInference(backend, 9);
        double[] plain = backend.readDoubles(model.logits(new Batch(1, 6, new int[] {2, 3, 4, 9, 1, 7}, null, null), ws));
        tokens.set(prefixed);
        double[] logits = backend.readDoubles(model.logits(new Batch(1, 4, ids, null, null), ws));
        assertThat(logits).isEqualTo(Arrays.copyOfRange(plain, 2 * 11, 6 * 11));
        assertThat(model.maxLength()).isEqualTo(7);
    }

    @Test
    void theEngineWritesBehindIt() {
        backend.upload(Arrays.copyOfRange(backend.readDoubles(base.table().value()), 2 * 8, 4 * 8), prefixed.own.value());
        int[] expected = text(new int[] {2, 3, 4, 9, 1});
        tokens.set(prefixed);
        assertThat(text(new int[] {4, 9, 1})).isEqualTo(expected);
        assertThatThrownBy(() -> new Engine(model).submit(Request.of(4, 9, 1, 2).withMaxNewTokens(4)))
                .isInstanceOf(LoraException.class).hasMessageContaining("7 positions");
        assertThatThrownBy(() -> new Engine(model).submit(Request.of(4, 11).withMaxNewTokens(1)))
                .hasMessageContaining("token 11");
    }

    private int[] text(int[] prompt) {
        Engine engine = new Engine(model);
        Ticket ticket = engine.submit(Request.of(prompt).withMaxNewTokens(4).withSampling(Sampling.GREEDY));
        engine.run();
        return ticket.texts().getFirst().tokens();
    }

    @Test
    void idsOfThePrefixAreNoTokens() {
        tokens.set(prefixed);
        Batch batch = new Batch(1, 2, new int[] {11, 1}, null, new int[] {11, 1});
        assertThatThrownBy(() -> loss(batch)).isInstanceOf(LoraException.class).hasMessageContaining("token 11 is outside");
    }
}
