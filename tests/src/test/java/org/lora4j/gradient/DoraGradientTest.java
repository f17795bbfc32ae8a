package org.lora4j.gradient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.DoraLinear;
import org.lora4j.tuning.lora.LoraLinear;
import org.lora4j.tuning.lora.LoraProjection;
import org.lora4j.tuning.lora.LoraScaling;
import org.lora4j.tuning.lora.MergedLoraLinear;

/**
 * DoRA's forward against its formula in plain loops, and its backward against differences of ⟨h, w⟩ in which the norms n
 * are held: where A or B moves, m moves so that m/n stays. With dropout as well, for which PEFT's own run has no fixed
 * numbers to compare with; the formula is that of its source.
 */
class DoraGradientTest {

    private static final int ROWS = 5;
    private static final int IN = 7;
    private static final int OUT = 6;
    /** q, k and v are 3, 1 and 2 wide. */
    private static final int Q = 3;
    private static final int V = 2;
    private static final int RANK = 2;
    private static final double STEP = 0x1p-12;

    private final Backend backend = Backends.create("reference");
    private final Workspace ws = Workspace.forTraining(backend, ROWS, 3);
    private Parameter weight;
    private Parameter bias;
    private Parameter a;
    private Parameter b;
    private Parameter m;
    private Tensor x;
    private Dropout dropout;
    private List<FusedPart> adaptedParts;
    private LoraProjection dora;

    @BeforeEach
    void begin() {
        ws.begin(ROWS, 11);
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private void create(boolean parts, double p) {
        adaptedParts = parts ? List.of(new FusedPart("q", 0, Q), new FusedPart("v", OUT - V, V)) : List.of(new FusedPart("all", 0, OUT));
        int count = adaptedParts.size();
        int width = adaptedParts.stream().mapToInt(FusedPart::width).sum();
        weight = parameter("W", OUT, IN);
        bias = parameter("b", OUT).train();
        a = parameter("A", count * RANK, IN).train();
        b = parameter("B", width, RANK).train();
        m = parameter("m", width).train();
        x = parameter("x", ROWS, IN).value();
        dropout = new Dropout(p, Philox.site("dora"));
        Linear base = new Linear(weight, bias);
        LoraProjection lora = parts
                ? new MergedLoraLinear(base, adaptedParts, a, b, 3, LoraScaling.ALPHA_OVER_R, dropout)
                : new LoraLinear(base, a, b, 3, LoraScaling.ALPHA_OVER_R, dropout);
        double[] magnitudes = values(m);
        dora = new DoraLinear(backend, lora, m);
        assertThat(values(m)).as("begins with the lengths of the rows").isNotEqualTo(magnitudes);
        Arrays.setAll(magnitudes, j -> 1 + 0.3 * magnitudes[j]);
        backend.upload(magnitudes, m.value());
    }

    private Parameter parameter(String name, int... extents) {
        Tensor tensor = backend.allocate(Shape.of(extents));
        double[] numbers = new double[Math.toIntExact(tensor.size())];
        new Philox(5).fillNormal(numbers, 1, 0, Philox.site(name));
        backend.upload(numbers, tensor);
        return new Parameter(name, backend, tensor);
    }

    private double[] values(Parameter parameter) {
        return backend.readDoubles(parameter.value());
    }

    @ParameterizedTest
    @CsvSource({"false, 0", "false, 0.4", "true, 0", "true, 0.4"})
    void forwardIsItsFormula(boolean parts, double p) {
        create(parts, p);
        double[] expected = formula();
        double[] actual = forward();
        for (int i = 0; i < expected.length; i++) {
            assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(1e-13));
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 0", "false, 0.4", "true, 0", "true, 0.4"})
    void backwardIsTheDerivativeWithTheNormsHeld(boolean parts, double p) {
        create(parts, p);
        double[] w = values(parameter("w", ROWS, OUT));
        forward();
        Tensor dy = backend.allocate(Shape.of(ROWS, OUT));
        backend.upload(w, dy);
        Tensor dx = backend.allocate(Shape.of(ROWS, IN));
        dora.backward(dy, dx, ws);
        check("x", x, backend.readDoubles(dx), w, false);
        check("b", bias.value(), backend.readDoubles(bias.gradient()), w, false);
        check("m", m.value(), backend.readDoubles(m.gradient()), w, false);
        check("A", a.value(), backend.readDoubles(a.gradient()), w, true);
        check("B", b.value(), backend.readDoubles(b.gradient()), w, true);
    }

    /** Of the first order terms everything is linear but a product of A's and B's, so the difference is nearly exact. */
    private void check(String what, Tensor tensor, double[] gradient, double[] w, boolean holdNorms) {
        double[] here = backend.readDoubles(tensor);
        double[] magnitudes = values(m);
        double[] norms = norms();
        for (int i = 0; i < here.length; i++) {
            double[] objective = new double[2];
            for (int side = 0; side < 2; side++) {
                double[] there = here.clone();
                there[i] += side == 0 ? STEP : -STEP;
                backend.upload(there, tensor);
                if (holdNorms) {
                    double[] now = norms();
                    double[] held = magnitudes.clone();
                    Arrays.setAll(held, j -> magnitudes[j] * now[j] / norms[j]);
                    backend.upload(held, m.value());
                }
                double[] h = forward();
                for (int j = 0; j < h.length; j++) {
                    objective[side] += h[j] * w[j];
                }
            }
            backend.upload(here, tensor);
            if (holdNorms) {
                backend.upload(magnitudes, m.value());
            }
            assertThat(gradient[i]).as("%s[%d]", what, i)
                    .isCloseTo((objective[0] - objective[1]) / (2 * STEP), within(1e-9));
        }
    }

    private double[] forward() {
        Tensor y = backend.allocate(Shape.of(ROWS, OUT));
        dora.forward(x, y, ws);
        return backend.readDoubles(y);
    }

    // ------------------------------------------------------------------------------------------------ plain loops

    private double[] delta() {
        Tensor delta = backend.allocate(Shape.of(OUT, IN));
        dora.plain().addDeltaWeight(backend, delta);
        return backend.readDoubles(delta);
    }

    /** ‖row of W₀ + s·B·A‖ of the adapted outputs, in the order of B's rows. */
    private double[] norms() {
        double[] w = values(weight);
        double[] delta = delta();
        return adapted().stream().mapToDouble(row -> {
            double sum = 0;
            for (int k = 0; k < IN; k++) {
                sum += Math.pow(w[row * IN + k] + delta[row * IN + k], 2);
            }
            return Math.sqrt(sum);
        }).toArray();
    }

    private List<Integer> adapted() {
        return adaptedParts.stream().flatMap(part -> IntStream.range(part.first(), part.first() + part.width()).boxed()).toList();
    }

    /** x·W₀ᵀ + b, and in the adapted outputs + s·u·Bᵀ + (m/n − 1) ⊙ (D(x)·W₀ᵀ + s·u·Bᵀ). */
    private double[] formula() {
        double[] input = backend.readDoubles(x);
        Tensor droppedTensor = backend.allocate(x.shape());
        dropout.apply(x, droppedTensor, ws);
        double[] dropped = backend.readDoubles(droppedTensor);
        double[] w = values(weight);
        double[] delta = delta();
        double[] b0 = values(bias);
        double[] norms = norms();
        double[] magnitudes = values(m);
        List<Integer> adapted = adapted();
        double[] h = new double[ROWS * OUT];
        for (int i = 0; i < ROWS; i++) {
            for (int j = 0; j < OUT; j++) {
                double base = 0;
                double droppedBase = 0;
                double update = 0;
                for (int k = 0; k < IN; k++) {
                    base += input[i * IN + k] * w[j * IN + k];
                    droppedBase += dropped[i * IN + k] * w[j * IN + k];
                    update += dropped[i * IN + k] * delta[j * IN + k];
                }
                int at = adapted.indexOf(j);
                h[i * OUT + j] = base + b0[j]
                        + (at < 0 ? 0 : update + (magnitudes[at] / norms[at] - 1) * (droppedBase + update));
            }
        }
        return h;
    }
}
