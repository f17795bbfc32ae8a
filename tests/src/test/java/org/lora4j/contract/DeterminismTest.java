package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AdamWStep.Betas;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.GatheredKeys;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormKind;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.RelativeScores;
import org.lora4j.backend.Precision;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/** {@link Precision#STRICT} means the same bits on every run, with any number of threads, on every backend there is. */
class DeterminismTest {

    static List<BackendProvider> providers() {
        String wanted = System.getProperty("lora4j.test.backends");
        return Backends.providers().stream()
                .filter(provider -> wanted == null || List.of(wanted.split(",")).contains(provider.name()))
                .filter(provider -> provider.unavailable().isEmpty()).toList();
    }

    @ParameterizedTest
    @MethodSource("providers")
    void theNumberOfThreadsDoesNotChangeABit(BackendProvider provider) {
        List<double[]> expected = null;
        for (int threads : new int[] {1, 2, 3, 5, 1}) {
            try (Backend backend = provider.create(new BackendOptions(threads, Precision.STRICT))) {
                List<double[]> results = new Run(backend).everyOperation();
                if (expected == null) {
                    expected = results;
                }
                for (int i = 0; i < results.size(); i++) {
                    assertThat(results.get(i)).as("result %d with %d threads", i, threads).isEqualTo(expected.get(i));
                }
            }
        }
    }

    /** Every operation once, at sizes that split unevenly among threads. */
    private static final class Run {

        private static final int ROWS = 301;
        private static final int WIDTH = 68;
        private static final int CLASSES = 515;

        private final Backend backend;
        private final List<double[]> results = new ArrayList<>();

        Run(Backend backend) {
            this.backend = backend;
        }

        List<double[]> everyOperation() {
            Tensor x = random("x", ROWS, WIDTH);
            Tensor w = random("w", CLASSES, WIDTH);
            Tensor logits = zeros(ROWS, CLASSES);
            backend.linear(x.matrix(), w.matrix(), random("bias", CLASSES), logits.matrix());
            keep(logits);
            loss(logits, w, x);
            norms(x);
            attention();
            elementwise(x);
            columns(x);
            return results;
        }

        private void loss(Tensor logits, Tensor w, Tensor x) {
            Tensor losses = zeros(ROWS);
            IntTensor targets = backend.allocateInts(Shape.of(ROWS));
            int[] ids = new int[ROWS];
            Arrays.setAll(ids, i -> i % 9 == 0 ? -100 : i * 7 % 40); // few different rows, many times each
            backend.upload(ids, 0, targets, ROWS);
            backend.crossEntropy(logits, targets, 0.1, losses);
            keep(losses);
            backend.crossEntropyWithGradient(logits, targets, 0.1, 1.0 / ROWS, losses);
            keep(losses, logits);
            Tensor dw = random("dw", CLASSES, WIDTH);
            backend.matmul(logits.matrix().t(), x.matrix(), dw.matrix(), 0.5, 1);
            Tensor dx = zeros(ROWS, WIDTH);
            backend.matmul(logits.matrix(), w.matrix(), dx.matrix(), 1, 0);
            Tensor dbias = zeros(CLASSES);
            backend.addColumnSums(logits.matrix(), dbias);
            keep(dw, dx, dbias);
            Arrays.setAll(ids, i -> i * 7 % 40);
            backend.upload(ids, 0, targets, ROWS);
            Tensor table = random("table", 40, WIDTH);
            backend.scatterAddRows(dx, targets, table);
            backend.gatherRows(table, targets, dx, 0.3);
            keep(table, dx);
            Tensor m = zeros(CLASSES, WIDTH);
            Tensor v = zeros(CLASSES, WIDTH);
            backend.adamW(w, dw, m, v, new AdamWStep(0.01, new Betas(0.9, 0.999), 1e-8, 0.1, 1, true, DecayOrder.AFTER));
            keep(w, m, v);
            results.add(new double[] {backend.sum(dw), backend.sumOfSquares(dw)});
        }

        private void norms(Tensor x) {
            Tensor gamma = random("gamma", WIDTH);
            Tensor rstd = zeros(ROWS);
            Tensor beta = random("beta", WIDTH);
            for (NormKind kind : NormKind.values()) {
                Norm norm = new Norm(kind, gamma, kind.centres() ? beta : null, 1e-5);
                NormStatistics rows = new NormStatistics(kind.centres() ? zeros(ROWS) : null, rstd);
                Tensor y = zeros(ROWS, WIDTH);
                backend.norm(norm, x, y, rows);
                Tensor dx = zeros(ROWS, WIDTH);
                Tensor dgamma = zeros(WIDTH);
                Tensor dbeta = zeros(WIDTH);
                backend.normBackward(norm, rows, x, random("dy", ROWS, WIDTH), dx, dgamma, kind.centres() ? dbeta : null);
                keep(y, rstd, dx, dgamma, dbeta);
                if (kind.centres()) {
                    keep(rows.mean());
                }
            }
        }

        private void attention() {
            AttentionShape shape = AttentionShape.self(3, 77, 5, 12, true);
            DropoutMask dropout = new DropoutMask(0.1, 1, 2, 3);
            Tensor qkv = random("qkv", 231, 180);
            Tensor y = zeros(231, 60);
            Tensor lse = zeros(15, 77);
            backend.attention(new Attention(qkv.columns(0, 60), qkv.columns(60, 60), qkv.columns(120, 60), null, shape,
                    dropout), new AttentionOutput(y.matrix(), lse));
            Tensor gradient = zeros(231, 180);
            backend.attentionBackward(new Attention(qkv.columns(0, 60), qkv.columns(60, 60), qkv.columns(120, 60), null,
                    shape, dropout), new AttentionOutput(y.matrix(), lse), random("dy", 231, 60).matrix(),
                    new AttentionGradient(gradient.columns(0, 60), gradient.columns(60, 60), gradient.columns(120, 60)));
            keep(y, lse, gradient);
            relativeAttention(qkv);
            IntTensor rows = backend.allocateInts(Shape.of(77, 19));
            int[] numbers = new int[77 * 19];
            Arrays.setAll(numbers, i -> i * 31 % 231);
            backend.upload(numbers, 0, rows, numbers.length);
            backend.gatheredAttention(qkv.matrix().rows(0, 77).columns(0, 60),
                    new GatheredKeys(random("k", 231, 60), random("v", 231, 60), rows, null), AttentionHeads.of(5, 12, 0.3),
                    y.rows(0, 77));
            keep(y);
        }

        private void relativeAttention(Tensor qkv) {
            IntTensor rows = backend.allocateInts(Shape.of(153));
            int[] numbers = new int[153];
            Arrays.setAll(numbers, i -> Math.clamp(i - 70L, 0, 15));
            backend.upload(numbers, 0, rows, numbers.length);
            Attention in = new Attention(qkv.columns(0, 60), qkv.columns(60, 60), qkv.columns(120, 60), null,
                    AttentionShape.self(3, 77, 5, 12, false), new DropoutMask(0.1, 1, 2, 3))
                    .withRelative(new RelativeScores(
                            random("relative keys", 16, 60).matrix(), random("relative queries", 16, 60).matrix(), rows));
            AttentionOutput out = new AttentionOutput(zeros(231, 60).matrix(), zeros(15, 77));
            backend.attention(in, out);
            Tensor gradient = zeros(231, 180);
            Tensor dKeys = zeros(16, 60);
            Tensor dQueries = zeros(16, 60);
            backend.attentionBackward(in, out, random("dy", 231, 60).matrix(), new AttentionGradient(gradient.columns(0, 60),
                    gradient.columns(60, 60), gradient.columns(120, 60), dKeys.matrix(), dQueries.matrix()));
            keep(out.y().tensor(), gradient, dKeys, dQueries);
        }

        private void elementwise(Tensor x) {
            Tensor y = zeros(ROWS, WIDTH);
            for (Activation kind : Activation.values()) {
                backend.activate(kind, x, y);
                keep(y);
                backend.activateBackward(kind, x, random("dy", ROWS, WIDTH), y);
                keep(y);
            }
            backend.dropout(x, y, new DropoutMask(0.3, 4, 5, 6));
            backend.multiply(x, y, y);
            backend.add(x.matrix(), y.matrix(), 0.3);
            backend.scale(y, 0.7);
            keep(y);
        }

        private void columns(Tensor x) {
            Tensor y = random("y", ROWS, WIDTH);
            Tensor row = random("row", 1, WIDTH);
            backend.addRow(row.matrix(), 0.3, y.matrix());
            backend.scaleColumns(x.matrix(), row.matrix(), -1, y.matrix(), 0.5);
            Tensor dots = zeros(1, WIDTH);
            backend.addColumnDots(x.matrix(), y.matrix(), dots.matrix());
            Tensor squares = zeros(1, WIDTH);
            backend.addColumnDots(x.matrix(), x.matrix(), squares.matrix());
            backend.divideByRoots(dots.matrix(), squares.matrix(), row.matrix(), 1);
            keep(y, dots, squares, row);
        }

        private Tensor zeros(int... extents) {
            return backend.allocate(Shape.of(extents));
        }

        private Tensor random(String name, int... extents) {
            Tensor tensor = zeros(extents);
            backend.upload(ContractFamily.numbers(name, (int) tensor.size()), tensor);
            return tensor;
        }

        private void keep(Tensor... tensors) {
            for (Tensor tensor : tensors) {
                results.add(backend.readDoubles(tensor));
            }
        }
    }
}
