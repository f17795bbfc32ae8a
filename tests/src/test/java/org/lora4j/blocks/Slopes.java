package org.lora4j.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Philox;

/**
 * Gradients against differences along a direction, in doubles:
 * (8·(L(p + h·d) − L(p − h·d)) − (L(p + 2h·d) − L(p − 2h·d)))/12h, whose error is h⁴/30 times the fifth derivative, here
 * below 10⁻¹⁰, and u·L/h of the subtraction, 10⁻¹².
 */
final class Slopes {

    private static final double H = 0x1p-11;
    private static final double BOUND = 1e-8;

    private Slopes() {
    }

    /** Of each parameter along a direction that mixes all of its numbers, and along one of its coordinates. */
    static void check(Blocks model, List<Parameter> parameters, Workspace ws) {
        Backend backend = model.backend();
        model.gradients(ws);
        List<double[]> gradients = parameters.stream().map(p -> backend.readDoubles(p.gradient())).toList();
        for (int i = 0; i < gradients.size(); i++) {
            Parameter parameter = parameters.get(i);
            double[] gradient = gradients.get(i);
            double largest = Arrays.stream(gradient).map(Math::abs).max().orElseThrow();
            assertThat(largest).as(parameter.name() + " takes part").isGreaterThan(1e-4);
            double[] mixed = new double[gradient.length];
            new Philox(2).fillNormal(mixed, 1 / Math.sqrt(mixed.length), 0, i);
            double[] one = new double[gradient.length];
            one[new Philox(3).bounded(one.length, 0, i, 0)] = 1;
            for (double[] direction : List.of(mixed, one)) {
                double expected = IntStream.range(0, gradient.length).mapToDouble(j -> gradient[j] * direction[j]).sum();
                double slope = (8 * (lossAt(model, parameter, direction, H, ws) - lossAt(model, parameter, direction, -H, ws))
                        - (lossAt(model, parameter, direction, 2 * H, ws) - lossAt(model, parameter, direction, -2 * H, ws)))
                        / (12 * H);
                assertThat(slope).as(parameter.name()).isCloseTo(expected, within(BOUND * Math.max(1, largest)));
            }
        }
    }

    private static double lossAt(Blocks model, Parameter parameter, double[] direction, double distance, Workspace ws) {
        double[] here = model.backend().readDoubles(parameter.value());
        double[] there = here.clone();
        Arrays.setAll(there, i -> here[i] + distance * direction[i]);
        model.backend().upload(there, parameter.value());
        double loss = model.loss(ws);
        model.backend().upload(here, parameter.value());
        return loss;
    }
}
