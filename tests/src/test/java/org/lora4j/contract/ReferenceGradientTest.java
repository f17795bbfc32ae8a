package org.lora4j.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Attention;
import org.lora4j.backend.AttentionGradient;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionOutput;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.DropoutMask;
import org.lora4j.backend.Norm;
import org.lora4j.backend.NormKind;
import org.lora4j.backend.NormStatistics;
import org.lora4j.backend.RelativeScores;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Each backward of the reference backend against its forward: f′(x)ᵀw, which backward gives, against
 * (⟨f(x + h·e), w⟩ − ⟨f(x − h·e), w⟩) / 2h, for every coordinate e and for one direction that mixes them all.
 */
class ReferenceGradientTest {

    private static final double UNIT_ROUNDOFF = 0x1p-53;
    /** Where the error of the formula, h²·f‴/6, and of the subtraction, u·f/h, are about the same: ∛u. */
    private static final double STEP = 0x1p-17;

    private final Backend backend = Backends.create("reference");

    /** @param backward (x, w) ↦ f′(x)ᵀw */
    private static void check(Function<double[], double[]> forward, BiFunction<double[], double[], double[]> backward, double[] x) {
        double[] y = forward.apply(x);
        double[] w = ContractFamily.numbers("w", y.length);
        double[] gradient = backward.apply(x, w);
        // third derivatives of these functions at such numbers stay below 100 times what is summed
        double size = 1 + Oracle.dot(Oracle.abs(y), Oracle.abs(w)) + Oracle.dot(Oracle.abs(w), Oracle.abs(w));
        double bound = (100 * STEP * STEP / 6 + 2 * y.length * UNIT_ROUNDOFF / STEP) * size;
        for (int i = 0; i < x.length; i++) {
            double[] direction = new double[x.length];
            direction[i] = 1;
            assertThat(gradient[i]).as("coordinate %d", i).isCloseTo(slope(forward, x, direction, w), within(bound));
        }
        double[] mixed = ContractFamily.numbers("direction", x.length);
        double length = Math.sqrt(Oracle.dot(mixed, mixed));
        assertThat(Oracle.dot(gradient, mixed)).isCloseTo(slope(forward, x, mixed, w), within(bound * length * length * length));
    }

    private static double slope(Function<double[], double[]> forward, double[] x, double[] direction, double[] w) {
        double[] ahead = x.clone();
        double[] behind = x.clone();
        for (int i = 0; i < x.length; i++) {
            ahead[i] += STEP * direction[i];
            behind[i] -= STEP * direction[i];
        }
        double[] up = forward.apply(ahead);
        double[] down = forward.apply(behind);
        double sum = 0;
        for (int i = 0; i < up.length; i++) {
            sum += (up[i] - down[i]) * w[i];
        }
        return sum / (2 * STEP);
    }

    private Tensor tensor(double[] values, int... extents) {
        Tensor tensor = backend.allocate(Shape.of(extents));
        backend.upload(values, tensor);
        return tensor;
    }

    private Tensor zeros(int... extents) {
        return backend.allocate(Shape.of(extents));
    }

    private double[] read(Tensor tensor) {
        return backend.readDoubles(tensor);
    }

    @Test
    void linearBackwardIsTheGradientForInputWeightAndBias() {
        int n = 3;
        int in = 4;
        int out = 5;
        double[] x = ContractFamily.numbers("x", n * in);
        double[] weight = ContractFamily.numbers("weight", out * in);
        double[] bias = ContractFamily.numbers("bias", out);
        check(at -> linear(at, weight, bias, n), (at, w) -> {
            Tensor dx = zeros(n, in);
            backend.matmul(tensor(w, n, out).matrix(), tensor(weight, out, in).matrix(), dx.matrix(), 1, 0);
            return read(dx);
        }, x);
        check(at -> linear(x, at, bias, n), (at, w) -> {
            Tensor dw = zeros(out, in);
            backend.matmul(tensor(w, n, out).matrix().t(), tensor(x, n, in).matrix(), dw.matrix(), 1, 0);
            return read(dw);
        }, weight);
        check(at -> linear(x, weight, at, n), (at, w) -> {
            Tensor dbias = zeros(out);
            backend.addColumnSums(tensor(w, n, out).matrix(), dbias);
            return read(dbias);
        }, bias);
    }

    private double[] linear(double[] x, double[] weight, double[] bias, int n) {
        Tensor y = zeros(n, bias.length);
        backend.linear(tensor(x, n, x.length / n).matrix(), tensor(weight, bias.length, x.length / n).matrix(),
                tensor(bias, bias.length), y.matrix());
        return read(y);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activateBackwardIsTheGradient(Activation kind) {
        check(at -> {
            Tensor y = zeros(at.length);
            backend.activate(kind, tensor(at, at.length), y);
            return read(y);
        }, (at, w) -> {
            Tensor dx = zeros(at.length);
            backend.activateBackward(kind, tensor(at, at.length), tensor(w, at.length), dx);
            return read(dx);
        }, ContractFamily.numbers("x", 40));
    }

    @Test
    void dropoutIsItsOwnGradient() {
        DropoutMask mask = new DropoutMask(0.4, 1, 2, 3);
        check(at -> dropout(at, mask), (at, w) -> dropout(w, mask), ContractFamily.numbers("x", 30));
    }

    private double[] dropout(double[] x, DropoutMask mask) {
        Tensor y = tensor(x, x.length);
        backend.dropout(y, y, mask);
        return read(y);
    }

    @ParameterizedTest
    @EnumSource(NormKind.class)
    void normBackwardIsTheGradientForInputGammaAndBeta(NormKind kind) {
        double[] x = ContractFamily.numbers("x", 3 * 7);
        double[] gamma = ContractFamily.numbers("gamma", 7);
        double[] beta = ContractFamily.numbers("beta", 7);
        check(at -> norm(kind, at, gamma, beta)[0], (at, w) -> normBackward(kind, at, gamma, beta, w)[0], x);
        check(at -> norm(kind, x, at, beta)[0], (at, w) -> normBackward(kind, x, at, beta, w)[1], gamma);
        if (kind.centres()) {
            check(at -> norm(kind, x, gamma, at)[0], (at, w) -> normBackward(kind, x, gamma, at, w)[2], beta);
        }
    }

    private Norm norm(NormKind kind, double[] gamma, double[] beta) {
        return new Norm(kind, tensor(gamma, gamma.length), kind.centres() ? tensor(beta, beta.length) : null, 1e-5);
    }

    private double[][] norm(NormKind kind, double[] x, double[] gamma, double[] beta) {
        int columns = gamma.length;
        int rows = x.length / columns;
        Tensor y = zeros(rows, columns);
        NormStatistics statistics = new NormStatistics(kind.centres() ? zeros(rows) : null, zeros(rows));
        backend.norm(norm(kind, gamma, beta), tensor(x, rows, columns), y, statistics);
        return new double[][] {read(y), kind.centres() ? read(statistics.mean()) : null, read(statistics.rstd())};
    }

    private double[][] normBackward(NormKind kind, double[] x, double[] gamma, double[] beta, double[] dy) {
        int columns = gamma.length;
        int rows = x.length / columns;
        double[][] forward = norm(kind, x, gamma, beta);
        Tensor dx = zeros(rows, columns);
        Tensor dgamma = zeros(columns);
        Tensor dbeta = kind.centres() ? zeros(columns) : null;
        NormStatistics statistics = new NormStatistics(
                kind.centres() ? tensor(forward[1], rows) : null, tensor(forward[2], rows));
        backend.normBackward(norm(kind, gamma, beta), statistics, tensor(x, rows, columns), tensor(dy, rows, columns), dx,
                dgamma, dbeta);
        return new double[][] {read(dx), read(dgamma), dbeta == null ? null : read(dbeta)};
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void attentionBackwardIsTheGradientForQueriesKeysAndValues(boolean causal) {
        int[] mask = {1, 1, 0, 1, 1, 0, 0, 0, 1, 1}; // in the second sequence, causal, the first query sees no key
        for (int keyHeads : new int[] {2, 1}) {
            AttentionShape shape = new AttentionShape(2, 3, 5, 6, new AttentionHeads(2, keyHeads, 3, 0.6), causal);
            for (DropoutMask dropout : new DropoutMask[] {DropoutMask.NONE, new DropoutMask(0.3, 7, 8, 9)}) {
                double[] x = ContractFamily.numbers("x", 6 * 6 + (12 + 12) * shape.keyWidth());
                check(at -> new Attending(at, mask, shape, dropout).forward(),
                        (at, w) -> new Attending(at, mask, shape, dropout).backward(w), x);
            }
        }
    }

    @Test
    void attentionBackwardIsTheGradientOfWhatDistancesAddToo() {
        int[] mask = {1, 1, 0, 1, 1, 0, 0, 0, 1, 1};
        AttentionShape shape = new AttentionShape(2, 3, 5, 6, new AttentionHeads(2, 1, 3, 0.6), false);
        IntTensor rows = backend.allocateInts(Shape.of(7));
        backend.upload(new int[] {0, 0, 1, 2, 3, 4, 4}, 0, rows, 7);
        int inputs = 36 + 24 * 3;
        check(at -> new Attending(at, mask, shape, DropoutMask.NONE, rows).forward(),
                (at, w) -> new Attending(at, mask, shape, DropoutMask.NONE, rows).backward(w),
                ContractFamily.numbers("x", inputs + 2 * 30));
    }

    /** An attention with q, k and v one after the other in x. */
    private final class Attending {

        private final Attention in;
        private final AttentionOutput out = new AttentionOutput(zeros(6, 6).matrix(), zeros(4, 3));

        Attending(double[] x, int[] mask, AttentionShape shape, DropoutMask dropout) {
            this(x, mask, shape, dropout, null);
        }

        /** With rows, the relative keys and queries, (5, 6) each, stand behind v. */
        Attending(double[] x, int[] mask, AttentionShape shape, DropoutMask dropout, IntTensor rows) {
            int keys = 12 * shape.keyWidth();
            IntTensor visible = backend.allocateInts(Shape.of(2, 5));
            backend.upload(mask, 0, visible, mask.length);
            in = new Attention(tensor(Arrays.copyOf(x, 36), 6, 6).matrix(),
                    tensor(Arrays.copyOfRange(x, 36, 36 + keys), 12, shape.keyWidth()).matrix(),
                    tensor(Arrays.copyOfRange(x, 36 + keys, 36 + 2 * keys), 12, shape.keyWidth()).matrix(),
                    visible, shape, dropout).withRelative(rows == null ? null : new RelativeScores(
                            tensor(Arrays.copyOfRange(x, 36 + 2 * keys, 66 + 2 * keys), 5, 6).matrix(),
                            tensor(Arrays.copyOfRange(x, 66 + 2 * keys, 96 + 2 * keys), 5, 6).matrix(), rows));
        }

        double[] forward() {
            backend.attention(in, out);
            return read(out.y().tensor());
        }

        double[] backward(double[] dy) {
            forward();
            int width = in.shape().keyWidth();
            Tensor dq = zeros(6, 6);
            Tensor dk = zeros(12, width);
            Tensor dv = zeros(12, width);
            boolean relative = in.relative() != null;
            Tensor dKeys = zeros(5, 6);
            Tensor dQueries = zeros(5, 6);
            backend.attentionBackward(in, out, tensor(dy, 6, 6).matrix(), new AttentionGradient(dq.matrix(), dk.matrix(),
                    dv.matrix(), relative ? dKeys.matrix() : null, relative ? dQueries.matrix() : null));
            double[] all = Arrays.copyOf(read(dq), 36 + 24 * width + (relative ? 60 : 0));
            System.arraycopy(read(dk), 0, all, 36, 12 * width);
            System.arraycopy(read(dv), 0, all, 36 + 12 * width, 12 * width);
            if (relative) {
                System.arraycopy(read(dKeys), 0, all, 36 + 24 * width, 30);
                System.arraycopy(read(dQueries), 0, all, 66 + 24 * width, 30);
            }
            return all;
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.1})
    void crossEntropyWithGradientIsTheGradientOfTheWeightedSum(double smoothing) {
        int rows = 4;
        int classes = 6;
        IntTensor targets = backend.allocateInts(Shape.of(rows));
        backend.upload(new int[] {5, -100, 0, 2}, 0, targets, rows);
        check(at -> {
            Tensor losses = zeros(rows);
            backend.crossEntropy(tensor(at, rows, classes), targets, smoothing, losses);
            return new double[] {0.7 * backend.sum(losses)};
        }, (at, w) -> {
            Tensor logits = tensor(at, rows, classes);
            backend.crossEntropyWithGradient(logits, targets, smoothing, 0.7 * w[0], zeros(rows));
            return read(logits);
        }, ContractFamily.numbers("z", rows * classes));
    }

    @Test
    void scatterAddIsTheGradientOfGather() {
        IntTensor rows = backend.allocateInts(Shape.of(5));
        backend.upload(new int[] {1, 3, 1, 0, 1}, 0, rows, 5);
        check(at -> {
            Tensor out = zeros(5, 3);
            backend.gatherRows(tensor(at, 4, 3), rows, out, 0);
            return read(out);
        }, (at, w) -> {
            Tensor table = zeros(4, 3);
            backend.scatterAddRows(tensor(w, 5, 3), rows, table);
            return read(table);
        }, ContractFamily.numbers("table", 12));
    }
}
