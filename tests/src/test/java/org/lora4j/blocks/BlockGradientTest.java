package org.lora4j.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.NormKind;
import org.lora4j.nn.FusedMaps;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Sight;
import org.lora4j.nn.Workspace;

/** Backward of every form of block, and of any part of it that trains alone. */
class BlockGradientTest {

    private final Backend backend = Backends.create("reference");

    private Workspace workspace() {
        return Workspace.forTraining(backend, Blocks.ROWS, 7);
    }

    /** Every combination of a norm's kind with everything that has two. */
    static Stream<Form> forms() {
        return Stream.of(NormKind.values()).flatMap(norm -> IntStream.range(0, 64).mapToObj(bits -> {
            boolean gated = (bits & 1) != 0;
            return new Form((bits & 2) != 0, norm, (bits & 4) != 0, (bits & 8) != 0 ? 1 : 2, (bits & 16) != 0,
                    (bits & 32) != 0 ? Sight.ALL : Sight.EARLIER, gated ? Activation.SILU : Activation.GELU_ERF, gated,
                    bits % 3 == 0 ? 0.2 : 0);
        }));
    }

    @ParameterizedTest
    @MethodSource("forms")
    void everyParameterAndTheInput(Form form) {
        Blocks model = new Blocks(form, 1, backend);
        // softmax does not change when all of a query's scores do: without rotation no key's bias has a gradient
        List<Parameter> all = model.parameters().stream().filter(p -> form.rotary() || !p.name().endsWith(".k.bias")).toList();
        Slopes.check(model.training(model.parameters()), all, workspace());
    }

    /** Away from 0, where ReLU has a corner: no number of this model is within 4h of it. */
    @ParameterizedTest
    @EnumSource
    void everyActivationWithAGateAndWithout(Activation activation) {
        for (boolean gated : new boolean[] {false, true}) {
            Blocks model = new Blocks(Form.GPT2.withActivation(activation, gated), 2, backend);
            Slopes.check(model.training(model.parameters()), model.parameters(), workspace());
        }
    }

    static Stream<Form> threeFamilies() {
        return Stream.of(Form.GPT2, Form.BERT, Form.LLAMA);
    }

    /** Backward leaves out what nothing needs; what it does not leave out must not change by that. */
    @ParameterizedTest
    @MethodSource("threeFamilies")
    void aParameterThatTrainsAloneHasTheGradientItHasAmongOthers(Form form) {
        Blocks model = new Blocks(form.withDropout(0.1), 2, backend);
        model.each(place -> place.put(new Adapter(model, place.name())));
        model.training(model.parameters()).gradients(workspace());
        List<double[]> among = model.parameters().stream().map(p -> backend.readDoubles(p.gradient())).toList();
        for (int i = 0; i < among.size(); i++) {
            Parameter alone = model.parameters().get(i);
            model.training(List.of(alone)).gradients(workspace());
            assertThat(backend.readDoubles(alone.gradient())).as(alone.name()).isEqualTo(among.get(i));
        }
    }

    @ParameterizedTest
    @MethodSource("threeFamilies")
    void activationsThatAreMadeAgainGiveTheSameBits(Form form) {
        Blocks model = new Blocks(form.withDropout(0.1), 3, backend);
        model.each(place -> place.put(new Adapter(model, place.name())));
        model.training(model.parameters()).gradients(workspace());
        List<double[]> kept = model.parameters().stream().map(p -> backend.readDoubles(p.gradient())).toList();
        model.gradients(workspace().recomputing());
        for (int i = 0; i < kept.size(); i++) {
            assertThat(backend.readDoubles(model.parameters().get(i).gradient())).as(model.parameters().get(i).name())
                    .isEqualTo(kept.get(i));
        }
    }

    @Test
    void mapsThatDoNotFitTheHeadsAreRefused() {
        Blocks model = new Blocks(Form.GPT2, 1, backend);
        assertThatThrownBy(() -> new FusedMaps(model.projections().getFirst(), AttentionHeads.of(2, 4, 1).withKeyHeads(1)))
                .hasMessage("h.0.attn.qkv makes queries, keys and values of 24 numbers, the heads have 16");
    }
}
