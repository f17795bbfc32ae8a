package org.lora4j.blocks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;

/**
 * Blocks against Transformers' {@code BertLayer} and {@code LlamaDecoderLayer} with the same numbers, in float64 with
 * their casts to float32 in the norm and the softmax taken out: ⟨y, w⟩, and ‖∂/∂p‖² of some p by PyTorch's autograd.
 */
class TransformersLayersTest {

    private final Backend backend = Backends.create("reference");

    @Test
    void normsBehindAndAllPositionsIsBertsLayer() {
        requireAsThere(Form.BERT, -4.570659732822764, new Object[][] {
            {"input", 17.486355087399154}, {"h.0.attn.k.weight", 12.98171417577401}, {"h.0.norm1.weight", 65.16387123643163},
            {"h.0.mlp.up.weight", 51.1333579320878}});
    }

    @Test
    void rmsNormsOneKeyHeadRotationAndAGateIsLlamasLayer() {
        requireAsThere(Form.LLAMA, 1.2192393995248652, new Object[][] {
            {"input", 130.29367576672416}, {"h.0.attn.k.weight", 23.631798540021258}, {"h.0.norm1.weight", 75.88953477244276},
            {"h.0.mlp.up.weight", 86.4950731396704}});
    }

    private void requireAsThere(Form form, double loss, Object[][] squares) {
        Blocks model = new Blocks(form, 1, backend);
        model.training(model.parameters());
        Workspace ws = Workspace.forGradients(backend, Blocks.ROWS);
        assertThat(model.loss(ws)).isCloseTo(loss, within(1e-12)); // some thousand roundings of numbers around 1
        model.gradients(ws);
        for (Object[] expected : squares) {
            Parameter parameter = model.parameters().stream().filter(p -> p.name().equals(expected[0])).findFirst().orElseThrow();
            double sum = Arrays.stream(backend.readDoubles(parameter.gradient())).map(g -> g * g).sum();
            assertThat(sum).as(parameter.name()).isCloseTo((double) expected[1], within(1e-11));
        }
    }
}
