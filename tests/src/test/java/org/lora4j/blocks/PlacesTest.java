package org.lora4j.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.nn.Insert;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place.Where;
import org.lora4j.nn.Place;
import org.lora4j.nn.Workspace;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethods;

/** What a method puts into an empty place of a block trains, and leaves no trace when it is taken out. */
class PlacesTest {

    private final Backend backend = Backends.create("reference");

    private Workspace workspace() {
        return Workspace.forTraining(backend, Blocks.ROWS, 7);
    }

    static Stream<Arguments> placesOfThreeFamilies() {
        return Stream.of(Form.GPT2, Form.BERT, Form.LLAMA).flatMap(form ->
                Stream.of(Where.values()).map(where -> Arguments.of(form, where)));
    }

    private static List<Place> at(Blocks model, Where where) {
        return model.places().stream().filter(place -> place.where() == where).toList();
    }

    private List<double[]> gradients(List<Parameter> parameters) {
        return parameters.stream().map(parameter -> backend.readDoubles(parameter.gradient())).toList();
    }

    @ParameterizedTest
    @MethodSource("placesOfThreeFamilies")
    void anAdapterLayerTrainsInEveryPlaceAndGoesWithoutATrace(Form form, Where where) {
        Blocks model = new Blocks(form.withDropout(0.1), 2, backend);
        List<Parameter> base = model.training(model.parameters()).parameters();
        double loss = model.loss(workspace());
        model.gradients(workspace());
        List<double[]> before = gradients(base);

        at(model, where).forEach(place -> place.put(new Adapter(model, place.name())));
        assertThat(model.parameters()).hasSize(base.size() + 2 * 4);
        assertThat(model.loss(workspace())).isNotEqualTo(loss);
        model.training(model.parameters());
        Slopes.check(model, model.parameters().stream().filter(p -> !p.name().endsWith(".k.bias")).toList(), workspace());

        at(model, where).forEach(Place::clear);
        assertThat(model.parameters()).isEqualTo(base);
        assertThat(model.loss(workspace())).isEqualTo(loss);
        model.gradients(workspace());
        assertThat(gradients(base)).usingRecursiveComparison().isEqualTo(before);
    }

    static Stream<Arguments> adapterLayersInThreeFamilies() {
        return Stream.of(Form.GPT2, Form.BERT, Form.LLAMA).flatMap(form ->
                Stream.of("houlsby:3,activation=silu,init=0.4", "lin:3,activation=tanh,init=0.4", "pfeiffer:2,activation=gelu,init=0.4",
                        "adapterdrop:2,activation=gelu,skip=1,init=0.4").map(method -> Arguments.of(form, method)));
    }

    /** Every parameter of an adapter layer and of the block around it, by differences; and the same bits when made again. */
    @ParameterizedTest
    @MethodSource("adapterLayersInThreeFamilies")
    void adapterLayersHaveTheSlopesOfTheirLoss(Form form, String method) {
        Blocks model = new Blocks(form.withDropout(0.1), 2, backend);
        model.training(List.of());
        Tuning tuning = TuningMethods.parse(method).attach(model, 3);
        Slopes.check(model.training(tuning.trainable()), tuning.trainable(), workspace());
        Slopes.check(model.training(model.parameters()), model.parameters().stream().filter(p -> !p.name().endsWith(".k.bias")).toList(),
                workspace());
        List<double[]> kept = gradients(model.parameters());
        model.gradients(workspace().recomputing());
        assertThat(gradients(model.parameters())).usingRecursiveComparison().isEqualTo(kept);
    }

    @Test
    void aPrefixLayerReplacesRowsBehindEachBlock() {
        Blocks model = new Blocks(Form.GPT2, 2, backend);
        double loss = model.loss(workspace());
        at(model, Where.AFTER_BLOCK).forEach(place -> place.put(new PrefixRows(model, place.name())));
        List<Parameter> rows = model.parameters().stream().filter(p -> p.name().endsWith(".rows")).toList();
        assertThat(rows).hasSize(2);
        Slopes.check(model.training(rows), rows, workspace());
        double[] y = backend.readDoubles(model.forward(model.input.value(), model.sequences(), workspace()));
        double[] last = backend.readDoubles(rows.get(1).value());
        assertThat(y).startsWith(last);
        at(model, Where.AFTER_BLOCK).forEach(Place::clear);
        assertThat(model.loss(workspace())).isEqualTo(loss);
    }

    @Test
    void anEmptyPlaceTakesNoMemory() {
        long empty = allocations(new Blocks(Form.GPT2, 1, backend));
        Blocks full = new Blocks(Form.GPT2, 1, backend);
        Insert through = new Adapter(full, "a");
        full.places().getFirst().put(through);
        assertThat(allocations(full)).isGreaterThan(empty);
        full.places().getFirst().clear();
        assertThat(allocations(full)).isEqualTo(empty);
    }

    private long allocations(Blocks model) {
        model.training(model.parameters());
        Workspace ws = workspace();
        long before = backend.allocations();
        model.gradients(ws);
        return backend.allocations() - before;
    }

    @Test
    void aPlaceHoldsOne() {
        Blocks model = new Blocks(Form.GPT2, 1, backend);
        Place place = model.places().getFirst();
        assertThat(place.name()).isEqualTo("h.0.attn.branch");
        place.put(new Adapter(model, "a"));
        assertThatThrownBy(() -> place.put(new Adapter(model, "b"))).hasMessageContaining("h.0.attn.branch is taken by Adapter");
    }
}
