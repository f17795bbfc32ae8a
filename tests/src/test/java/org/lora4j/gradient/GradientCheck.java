package org.lora4j.gradient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.lora4j.data.Batch;
import org.lora4j.family.LanguageModel;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Philox;

/**
 * The gradients that backward gives against differences of the loss, in doubles, along a direction d:
 *
 * <pre>
 *   ⟨L′(p), d⟩ = (8·(L(p + h·d) − L(p − h·d)) − (L(p + 2h·d) − L(p − 2h·d))) / 12h + O(h⁴·L⁽⁵⁾)
 * </pre>
 *
 * <p>For each tensor d is one direction that mixes all of its numbers, and some of its coordinates. With h = 2⁻¹³ the
 * formula is off by h⁴/30 ≈ 1e-17 times the fifth derivative, which for these models' LayerNorms reaches 1e5, the
 * subtraction by u·L/h ≈ 2e-12: both far below the gradients, which are around 1e-2. The error of a tensor is its largest
 * absolute error over its largest gradient.
 *
 * @param targets how many numbers the mean of the loss divides by
 * @param step    the pass's number: dropout drops the same elements each time
 */
record GradientCheck<B>(TrainableModel<B> model, B batch, int targets, double labelSmoothing, long step) {

    private static final int COORDINATES = 4;
    private static final double H = 0x1p-13;

    static GradientCheck<Batch> of(LanguageModel model, Batch batch, double labelSmoothing, long step) {
        return new GradientCheck<>(model, batch, batch.targets(), labelSmoothing, step);
    }

    /** Asserts that the relative error of every tensor is below {@code bound}. */
    void requireWithin(double bound, List<Parameter> trainable) {
        Workspace ws = Workspace.forTraining(model.backend(), 64, 7);
        trainable.forEach(Parameter::clearGradient);
        loss(ws);
        double[][] gradients =
                trainable.stream().map(p -> model.backend().readDoubles(p.gradient())).toArray(double[][]::new);
        for (int i = 0; i < gradients.length; i++) {
            Parameter parameter = trainable.get(i);
            double[] gradient = gradients[i];
            double largest = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
            assertThat(largest).as(parameter.name() + " takes part").isGreaterThan(1e-6);
            for (double[] direction : directions(parameter)) {
                double expected =
                        IntStream.range(0, gradient.length).mapToDouble(j -> gradient[j] * direction[j]).sum();
                assertThat(slope(parameter, direction, ws)).as(parameter.name())
                        .isCloseTo(expected, within(bound * largest));
            }
        }
    }

    private static List<double[]> directions(Parameter parameter) {
        int size = Math.toIntExact(parameter.size());
        Philox random = new Philox(1);
        int site = Philox.site(parameter.name());
        List<double[]> directions = new ArrayList<>();
        double[] mixed = new double[size];
        random.fillNormal(mixed, 1 / Math.sqrt(size), 0, site);
        directions.add(mixed);
        IntStream.of(random.permutation(size, 1, site)).limit(COORDINATES).forEach(i -> directions.add(unit(size, i)));
        return directions;
    }

    static double[] unit(int size, int i) {
        double[] direction = new double[size];
        direction[i] = 1;
        return direction;
    }

    /** The derivative of the loss when this parameter moves in this direction. */
    double slope(Parameter parameter, double[] direction, Workspace ws) {
        return (8 * (lossAt(parameter, direction, H, ws) - lossAt(parameter, direction, -H, ws))
                - (lossAt(parameter, direction, 2 * H, ws) - lossAt(parameter, direction, -2 * H, ws))) / (12 * H);
    }

    private double lossAt(Parameter parameter, double[] direction, double distance, Workspace ws) {
        double[] here = model.backend().readDoubles(parameter.value());
        double[] there = here.clone();
        Arrays.setAll(there, i -> here[i] + distance * direction[i]);
        model.backend().upload(there, parameter.value());
        double loss = loss(ws);
        model.backend().upload(here, parameter.value());
        return loss;
    }

    /** The mean loss; its gradients are added to the parameters', where only the first pass reads them. */
    private double loss(Workspace ws) {
        return model.lossAndGradients(batch, 1.0 / targets, labelSmoothing, step, ws) / targets;
    }
}
