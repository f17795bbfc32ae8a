package org.lora4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.lora4j.backend.cpu.Fixtures.UNIT_ROUNDOFF;
import static org.lora4j.backend.cpu.Fixtures.assertWithin;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionShape;
import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.Philox;

/** Attention against plain loops in double, and the loops' gradient against central differences. */
class AttentionKernelsTest {

    private static final DropoutMask DROPOUT = new DropoutMask(0.3, 0x1234_5678_9ABCL, 7, 3);

    /** One problem: q, k and v are parts of wider rows, as the parts of a fused product are. */
    private static final class Problem {
        final AttentionShape shape;
        final DropoutMask dropout;
        final int[] mask;
        final int stride;
        final float[] q;
        final float[] k;
        final float[] v;
        final float[] dy;

        Problem(AttentionShape shape, DropoutMask dropout, int[] mask, double spread) {
            this.shape = shape;
            this.dropout = dropout;
            this.mask = mask;
            stride = shape.width() + 5;
            q = Fixtures.normal(1, shape.batch() * shape.queries() * stride, spread);
            k = Fixtures.normal(2, shape.batch() * shape.keyRows() * stride, spread);
            v = Fixtures.normal(3, shape.batch() * shape.keyRows() * stride, 1);
            dy = Fixtures.normal(4, shape.batch() * shape.queries() * stride, 1);
        }

        int queryAt(int head, int t) {
            return (head / shape.nHead() * shape.queries() + t) * stride + head % shape.nHead() * shape.headSize();
        }

        int keyAt(int head, int s) {
            return (head / shape.nHead() * shape.keyRows() + s) * stride + head % shape.nHead() * shape.headSize();
        }

        boolean sees(int head, int t, int s) {
            return s < shape.visibleKeys(t) && (mask == null || mask[head / shape.nHead() * shape.keys() + s] != 0);
        }

        double factor(int head, int t, int s) {
            if (dropout.isNone()) {
                return 1;
            }
            long element = ((long) head * shape.queries() + t) * shape.keys() + s;
            int word = new Philox(dropout.seed()).word((int) dropout.step(), dropout.site(), element);
            return Integer.compareUnsigned(word, dropout.threshold()) >= 0 ? dropout.scale() : 0;
        }

        int heads() {
            return shape.batch() * shape.nHead();
        }

        DropoutFactors factors() {
            return dropout.isNone() ? null : new DropoutFactors(dropout);
        }

        /** y in rows of stride, then lse. */
        float[] forward(Workers workers) {
            float[] y = Fixtures.filled(q.length, Float.NaN);
            float[] lse = Fixtures.filled(heads() * shape.queries(), Float.NaN);
            AttentionKernels.forward(workers, q, 0, stride, k, 0, stride, v, 0, stride, mask, 0, shape, factors(), null, y, 0,
                    stride, lse, 0);
            return Fixtures.concat(y, lse);
        }

        /** dq, dk and dv in rows of stride. */
        float[] backward(Workers workers) {
            float[] forward = forward(workers);
            float[] lse = Arrays.copyOfRange(forward, q.length, forward.length);
            float[] dq = Fixtures.filled(q.length, Float.NaN);
            float[] dk = Fixtures.filled(k.length, Float.NaN);
            float[] dv = Fixtures.filled(k.length, Float.NaN);
            AttentionKernels.backward(workers, dy, 0, stride, q, 0, stride, k, 0, stride, v, 0, stride, forward, 0, stride,
                    lse, 0, mask, 0, shape, factors(), null, null, dq, 0, stride, dk, 0, stride, dv, 0, stride);
            return Fixtures.concat(dq, dk, dv);
        }
    }

    /** The contract's formulas for one head, in double. */
    private static final class Exact {
        final int queries;
        final int keys;
        final int size;
        final double[][] q;
        final double[][] k;
        final double[][] v;
        final double[][] dy;
        final double[][] p;
        final double[][] y;
        final double[] lse;
        final Problem problem;
        final int head;

        Exact(Problem problem, int head) {
            this.problem = problem;
            this.head = head;
            queries = problem.shape.queries();
            keys = problem.shape.keys();
            size = problem.shape.headSize();
            q = new double[queries][size];
            k = new double[keys][size];
            v = new double[keys][size];
            dy = new double[queries][size];
            p = new double[queries][keys];
            y = new double[queries][size];
            lse = new double[queries];
            for (int i = 0; i < size; i++) {
                for (int t = 0; t < queries; t++) {
                    q[t][i] = problem.q[problem.queryAt(head, t) + i];
                    dy[t][i] = problem.dy[problem.queryAt(head, t) + i];
                }
                for (int s = 0; s < keys; s++) {
                    k[s][i] = problem.k[problem.keyAt(head, s) + i];
                    v[s][i] = problem.v[problem.keyAt(head, s) + i];
                }
            }
            forward();
        }

        void forward() {
            for (int t = 0; t < queries; t++) {
                double sum = 0;
                Arrays.fill(y[t], 0);
                for (int s = 0; s < keys; s++) {
                    double dot = 0;
                    for (int i = 0; i < size; i++) {
                        dot += q[t][i] * k[s][i];
                    }
                    p[t][s] = problem.sees(head, t, s) ? Math.exp(problem.shape.scale() * dot) : 0;
                    sum += p[t][s];
                }
                lse[t] = Math.log(sum);
                for (int s = 0; s < keys; s++) {
                    p[t][s] = sum == 0 ? 0 : p[t][s] / sum;
                    double factor = p[t][s] == 0 ? 0 : problem.factor(head, t, s);
                    for (int i = 0; i < size; i++) {
                        y[t][i] += p[t][s] * factor * v[s][i];
                    }
                }
            }
        }

        double loss() {
            double loss = 0;
            for (int t = 0; t < queries; t++) {
                for (int i = 0; i < size; i++) {
                    loss += dy[t][i] * y[t][i];
                }
            }
            return loss;
        }

        /** dq, dk, dv. */
        double[][][] backward() {
            double[][] dq = new double[queries][size];
            double[][] dk = new double[keys][size];
            double[][] dv = new double[keys][size];
            for (int t = 0; t < queries; t++) {
                double d = 0;
                for (int i = 0; i < size; i++) {
                    d += dy[t][i] * y[t][i];
                }
                for (int s = 0; s < keys; s++) {
                    if (p[t][s] == 0) {
                        continue;
                    }
                    double m = problem.factor(head, t, s);
                    double dp = 0;
                    for (int i = 0; i < size; i++) {
                        dp += dy[t][i] * v[s][i];
                        dv[s][i] += p[t][s] * m * dy[t][i];
                    }
                    double ds = p[t][s] * (m * dp - d);
                    for (int i = 0; i < size; i++) {
                        dq[t][i] += problem.shape.scale() * ds * k[s][i];
                        dk[s][i] += problem.shape.scale() * ds * q[t][i];
                    }
                }
            }
            return new double[][][] {dq, dk, dv};
        }
    }

    private static AttentionShape shape(int batch, int queries, int keys, int keyRows, int nHead, int size, boolean causal) {
        return new AttentionShape(batch, queries, keys, keyRows, AttentionHeads.of(nHead, size, 1 / Math.sqrt(size)), causal);
    }

    private static int[] paddingOnBothSides(int batch, int keys) {
        int[] mask = new int[batch * keys];
        for (int b = 0; b < batch; b++) {
            for (int s = 0; s < keys; s++) {
                mask[b * keys + s] = s >= 2 * b && s < keys - b ? 1 : 0;
            }
        }
        return mask;
    }

    static Stream<Problem> problems() {
        Stream.Builder<Problem> all = Stream.builder();
        for (int size : new int[] {1, 4, 6, 12, 13, 16, 20, 64, 80, 130}) {
            all.add(new Problem(shape(2, 37, 37, 37, 2, size, true), DropoutMask.NONE, null, 1));
            all.add(new Problem(shape(2, 21, 21, 21, 3, size, true), DROPOUT, paddingOnBothSides(2, 21), 1));
        }
        for (int length : new int[] {1, 2, 4, 6, 13, 16, 17, 63, 64, 65, 207, 702}) {
            all.add(new Problem(shape(1, length, length, length, 1, 20, true), DropoutMask.NONE, null, 2));
            all.add(new Problem(shape(1, length, length, length, 2, 16, false), DropoutMask.NONE, null, 1));
        }
        all.add(new Problem(shape(1, 1024, 1024, 1024, 1, 64, true), DropoutMask.NONE, null, 1));
        all.add(new Problem(shape(3, 1, 29, 40, 2, 20, true), DropoutMask.NONE, null, 1));
        all.add(new Problem(shape(3, 1, 29, 40, 2, 64, true), DROPOUT, paddingOnBothSides(3, 29), 1));
        all.add(new Problem(shape(2, 1, 300, 512, 3, 70, false), DropoutMask.NONE, null, 3));
        all.add(new Problem(shape(2, 5, 29, 33, 2, 20, true), DropoutMask.NONE, null, 1));
        all.add(new Problem(shape(2, 40, 77, 80, 2, 20, true), DROPOUT, paddingOnBothSides(2, 77), 1));
        all.add(new Problem(shape(2, 19, 50, 50, 2, 64, false), DROPOUT, paddingOnBothSides(2, 50), 1));
        all.add(new Problem(shape(3, 21, 21, 21, 12, 20, false), DROPOUT, paddingOnBothSides(3, 21), 1));
        return all.build();
    }

    /** How far S may be off: a chain of size products and scale, times what one score moves P by. */
    private static double scoreError(Problem problem, Exact exact) {
        double largest = 0;
        for (double[] query : exact.q) {
            for (double[] key : exact.k) {
                double absolute = 0;
                for (int i = 0; i < exact.size; i++) {
                    absolute += Math.abs(query[i] * key[i]);
                }
                largest = Math.max(largest, absolute * problem.shape.scale());
            }
        }
        return (exact.size + 4) * UNIT_ROUNDOFF * largest;
    }

    @ParameterizedTest
    @MethodSource("problems")
    void outputAndLogSumFollowTheFormula(Problem problem) {
        float[] result = Fixtures.onAnyNumberOfThreads(problem::forward);
        for (int head = 0; head < problem.heads(); head++) {
            Exact exact = new Exact(problem, head);
            double scoreError = scoreError(problem, exact);
            // P: twice the score's error (its own and the sum's), exp, the sum of up to keys terms, factors; y: keys products
            double relative = 2 * scoreError + (2 * exact.keys + 8) * UNIT_ROUNDOFF;
            for (int t = 0; t < exact.queries; t++) {
                for (int i = 0; i < exact.size; i++) {
                    double absolute = 0;
                    for (int s = 0; s < exact.keys; s++) {
                        absolute += Math.abs(exact.p[t][s] * exact.v[s][i]) * problem.dropout.scale();
                    }
                    assertWithin(result[problem.queryAt(head, t) + i], exact.y[t][i], relative * absolute,
                            "y of head " + head + ", query " + t + ", feature " + i);
                }
                double lse = exact.lse[t];
                assertWithin(result[problem.q.length + head * exact.queries + t], lse,
                        scoreError + (exact.keys + 4 + Math.abs(lse)) * UNIT_ROUNDOFF, "lse of query " + t);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("problems")
    void gradientsFollowTheFormula(Problem problem) {
        float[] result = Fixtures.onAnyNumberOfThreads(problem::backward);
        int keysFrom = problem.q.length;
        int valuesFrom = keysFrom + problem.k.length;
        for (int head = 0; head < problem.heads(); head++) {
            Exact exact = new Exact(problem, head);
            double[][][] gradients = exact.backward();
            double relative = 3 * scoreError(problem, exact) + (3 * exact.keys + 2 * exact.size + 16) * UNIT_ROUNDOFF;
            double[][][] bounds = gradientBounds(problem, exact);
            for (int i = 0; i < exact.size; i++) {
                for (int t = 0; t < exact.queries; t++) {
                    assertWithin(result[problem.queryAt(head, t) + i], gradients[0][t][i], relative * bounds[0][t][i],
                            "dq of head " + head + ", query " + t + ", feature " + i);
                }
                for (int s = 0; s < exact.keys; s++) {
                    int at = problem.keyAt(head, s) + i;
                    assertWithin(result[keysFrom + at], gradients[1][s][i], relative * bounds[1][s][i],
                            "dk of head " + head + ", key " + s + ", feature " + i);
                    assertWithin(result[valuesFrom + at], gradients[2][s][i], relative * bounds[2][s][i],
                            "dv of head " + head + ", key " + s + ", feature " + i);
                }
            }
        }
    }

    /** The gradients' formulas with every summand's absolute value. */
    private static double[][][] gradientBounds(Problem problem, Exact exact) {
        double[][] dq = new double[exact.queries][exact.size];
        double[][] dk = new double[exact.keys][exact.size];
        double[][] dv = new double[exact.keys][exact.size];
        for (int t = 0; t < exact.queries; t++) {
            double d = 0;
            for (int s = 0; s < exact.keys; s++) {
                for (int i = 0; i < exact.size; i++) {
                    d += Math.abs(exact.dy[t][i] * exact.p[t][s] * exact.v[s][i]) * problem.dropout.scale();
                }
            }
            for (int s = 0; s < exact.keys; s++) {
                double dp = 0;
                for (int i = 0; i < exact.size; i++) {
                    dp += Math.abs(exact.dy[t][i] * exact.v[s][i]) * problem.dropout.scale();
                    dv[s][i] += Math.abs(exact.p[t][s] * exact.dy[t][i]) * problem.dropout.scale();
                }
                for (int i = 0; i < exact.size; i++) {
                    dq[t][i] += problem.shape.scale() * exact.p[t][s] * (dp + d) * Math.abs(exact.k[s][i]);
                    dk[s][i] += problem.shape.scale() * exact.p[t][s] * (dp + d) * Math.abs(exact.q[t][i]);
                }
            }
        }
        return new double[][][] {dq, dk, dv};
    }

    /** One thread does several heads in a task here, many threads do one: with key heads that two or three heads share. */
    @Test
    void headsDoneTogetherGiveTheBitsOfHeadsDoneAlone() {
        for (int keyHeads : new int[] {6, 4, 12}) {
            AttentionShape shape = new AttentionShape(
                    17, 19, 19, 19, new AttentionHeads(12, keyHeads, 9, 1 / 3.0, 0), true);
            Problem problem = new Problem(shape, DROPOUT, null, 1);
            try (Workers one = new Workers(1); Workers many = new Workers(8)) {
                assertThat(HeadRows.together(one, 17, keyHeads, 3 * 19 * 9)).isGreaterThan(1);
                assertThat(HeadRows.together(many, 17, keyHeads, 3 * 19 * 9)).isEqualTo(1);
                Fixtures.assertSameBits(problem.forward(one), problem.forward(many), "y and lse");
                Fixtures.assertSameBits(problem.backward(one), problem.backward(many), "dq, dk and dv");
            }
        }
    }

    @Test
    void theGradientsFormulaAgreesWithCentralDifferences() {
        Problem problem = new Problem(shape(1, 7, 9, 9, 1, 6, true), DROPOUT, paddingOnBothSides(1, 9), 1);
        Exact exact = new Exact(problem, 0);
        double[][][] gradients = exact.backward();
        double[][][] inputs = {exact.q, exact.k, exact.v};
        double h = 1e-5;
        for (int which = 0; which < 3; which++) {
            for (int row = 0; row < inputs[which].length; row++) {
                for (int i = 0; i < exact.size; i++) {
                    double kept = inputs[which][row][i];
                    inputs[which][row][i] = kept + h;
                    exact.forward();
                    double up = exact.loss();
                    inputs[which][row][i] = kept - h;
                    exact.forward();
                    double down = exact.loss();
                    inputs[which][row][i] = kept;
                    assertWithin((up - down) / (2 * h), gradients[which][row][i], 1e-8, "gradient " + which);
                }
            }
        }
    }

    @Test
    void aQueryThatSeesNoKeyGivesZeroAndPassesNoGradient() {
        int[] mask = {0, 0, 0, 1, 1, 1};
        Problem problem = new Problem(shape(1, 6, 6, 6, 1, 8, true), DropoutMask.NONE, mask, 1);
        try (Workers workers = new Workers(1)) {
            float[] forward = problem.forward(workers);
            float[] backward = problem.backward(workers);
            for (int t = 0; t < 3; t++) {
                assertThat(forward[problem.q.length + t]).isEqualTo(Float.NEGATIVE_INFINITY);
                for (int i = 0; i < 8; i++) {
                    int at = problem.queryAt(0, t) + i;
                    assertThat(forward[at]).isZero();
                    assertThat(backward[at]).isZero();
                    assertThat(backward[problem.q.length + at]).isZero();
                    assertThat(backward[problem.q.length + problem.k.length + at]).isZero();
                }
            }
        }
    }

    @Test
    void notANumberInAQueryIsNotTakenForAQueryThatSeesNothing() {
        Problem problem = new Problem(shape(1, 4, 4, 4, 1, 8, true), DropoutMask.NONE, null, 1);
        problem.q[problem.queryAt(0, 2)] = Float.NaN;
        try (Workers workers = new Workers(1)) {
            float[] forward = problem.forward(workers);
            assertThat(forward[problem.queryAt(0, 1)]).isNotNaN();
            assertThat(forward[problem.queryAt(0, 2)]).isNaN();
            assertThat(forward[problem.q.length + 2]).isNaN();
        }
    }

    @Test
    void largeScoresDoNotOverflow() {
        Problem problem = new Problem(shape(1, 33, 33, 33, 1, 16, true), DropoutMask.NONE, null, 30);
        try (Workers workers = new Workers(2)) {
            for (int t = 0; t < 33; t++) {
                assertThat(problem.forward(workers)[problem.queryAt(0, t)]).isFinite();
                assertThat(problem.backward(workers)[problem.queryAt(0, t)]).isFinite();
            }
        }
    }

    @Test
    void nothingIsWrittenBesideTheHeadsColumnsAndTheRowsThatTakePart() {
        Problem problem = new Problem(shape(2, 5, 9, 12, 2, 6, true), DropoutMask.NONE, null, 1);
        try (Workers workers = new Workers(2)) {
            float[] forward = problem.forward(workers);
            float[] backward = problem.backward(workers);
            int width = problem.shape.width();
            for (int i = 0; i < problem.q.length; i++) {
                boolean inside = i % problem.stride < width;
                assertThat(Float.isNaN(forward[i])).isEqualTo(!inside);
                assertThat(Float.isNaN(backward[i])).isEqualTo(!inside);
            }
            for (int i = 0; i < problem.k.length; i++) {
                boolean inside = i % problem.stride < width && i / problem.stride % 12 < 9;
                assertThat(Float.isNaN(backward[problem.q.length + i])).isEqualTo(!inside);
            }
        }
    }

    @Test
    void theContentOfEarlierCallsDoesNotMatter() {
        Problem large = new Problem(shape(1, 100, 100, 100, 1, 70, true), DropoutMask.NONE, null, 1);
        Arrays.fill(large.q, Float.NaN);
        Arrays.fill(large.k, Float.NaN);
        Arrays.fill(large.v, Float.NaN);
        Problem small = new Problem(shape(1, 11, 11, 11, 1, 6, true), DropoutMask.NONE, null, 1);
        try (Workers workers = new Workers(1)) {
            float[] before = small.backward(workers);
            large.backward(workers);
            Fixtures.assertSameBits(small.backward(workers), before, "after a call full of NaN");
        }
    }
}
