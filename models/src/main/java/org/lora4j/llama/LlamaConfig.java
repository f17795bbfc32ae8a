package org.lora4j.llama;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.AttentionShape;
import org.lora4j.family.ModelConfig;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.tensor.Shape;

/**
 * The sizes and choices of a model of this family.
 *
 * @param heads     of q, of k and v, and what multiplies q·k
 * @param windows   which blocks see a window only
 * @param rope      of the blocks that see everything
 * @param localRope of those with a window, where it is another; else null
 */
record LlamaConfig(
        Variant variant, Sizes counts, AttentionHeads heads, Choices choices, Windows windows, Rope rope, @Nullable Rope localRope)
        implements ModelConfig {

    private static final int MOST_BLOCKS = 1 << 16;
    private static final int WIDEST = Integer.MAX_VALUE / 4;

    /** What is counted. */
    record Sizes(int vocabulary, int positions, int width, int inner, int blocks) {
    }

    /**
     * What can be so or so.
     *
     * @param attentionBias on q, k and v
     * @param outputBias    on the map behind the heads
     * @param mlpBias       on the three of the perceptron
     * @param headCap       what logits stay below, softly; 0 for none
     */
    record Choices(
            Activation activation, double epsilon, boolean tied, boolean attentionBias, boolean outputBias, boolean mlpBias,
            double headCap) {

        Choices withTied(boolean tied) {
            return new Choices(activation, epsilon, tied, attentionBias, outputBias, mlpBias, headCap);
        }
    }

    /**
     * @param window how many positions a block sees that is local
     * @param local  of each block, whether it is
     */
    record Windows(int window, List<Boolean> local) {

        static Windows none(int blocks) {
            return new Windows(AttentionShape.NO_WINDOW, Collections.nCopies(blocks, false));
        }

        int of(int block) {
            return local.get(block) ? window : AttentionShape.NO_WINDOW;
        }
    }

    LlamaConfig {
        if (counts.blocks > MOST_BLOCKS) {
            throw new LoraException("num_hidden_layers is " + counts.blocks + ", expected at most " + MOST_BLOCKS
                    + ": the header of a safetensors file has no room for more");
        }
        if (counts.width > WIDEST || counts.inner > WIDEST || (long) heads.count() * heads.size() > WIDEST) {
            throw new LoraException("hidden_size " + counts.width + ", intermediate_size " + counts.inner + " and "
                    + heads.count() + " heads of " + heads.size() + ": expected at most " + WIDEST
                    + " each, since columns are counted in 31 bits");
        }
    }

    LlamaConfig withTied(boolean tied) {
        return new LlamaConfig(variant, counts, heads, choices.withTied(tied), windows, rope, localRope);
    }

    @Override
    public ModelNames names() {
        return variant.names;
    }

    @Override
    public ModelSizes sizes() {
        return new ModelSizes(counts.vocabulary, longest(), counts.width, counts.blocks, heads.count(), counts.inner, heads.keyWidth());
    }

    /** The longest sequence that is meant: where the base grows with it, as often as it may grow. */
    private int longest() {
        double factor = rope.kind().equals("dynamic") ? Math.max(1, rope.numbers().getOrDefault("factor", 1.0)) : 1;
        return (int) Math.min(Integer.MAX_VALUE, counts.positions * factor);
    }

    @Override
    public boolean isTied() {
        return choices.tied;
    }

    /** The rotary embeddings of a block. */
    Rope ropeOf(int block) {
        return localRope != null && windows.local.get(block) ? localRope : rope;
    }

    /**
     * The shape of a parameter in memory, weights as out × in.
     *
     * @param name complete, as in Hugging Face's files
     */
    Shape shapeOf(String name) {
        int c = counts.width;
        String last = name.replaceFirst("^model\\.layers\\.\\d+\\.", "");
        return switch (last) {
            case "model.embed_tokens.weight", "lm_head.weight" -> Shape.of(counts.vocabulary, c);
            case "self_attn.q_proj.weight" -> Shape.of(heads.width(), c);
            case "self_attn.k_proj.weight", "self_attn.v_proj.weight" -> Shape.of(heads.keyWidth(), c);
            case "self_attn.qkv_proj.weight" -> Shape.of(heads.width() + 2 * heads.keyWidth(), c);
            case "self_attn.o_proj.weight" -> Shape.of(c, heads.width());
            case "mlp.gate_proj.weight", "mlp.up_proj.weight" -> Shape.of(counts.inner, c);
            case "mlp.gate_up_proj.weight" -> Shape.of(2 * counts.inner, c);
            case "mlp.down_proj.weight" -> Shape.of(c, counts.inner);
            case "self_attn.q_proj.bias" -> Shape.of(heads.width());
            case "self_attn.k_proj.bias", "self_attn.v_proj.bias" -> Shape.of(heads.keyWidth());
            case "self_attn.q_norm.weight", "self_attn.k_norm.weight" -> Shape.of(heads.size());
            case "mlp.gate_proj.bias", "mlp.up_proj.bias" -> Shape.of(counts.inner);
            default -> Shape.of(c); // norms, and the biases of o_proj and down_proj
        };
    }

    @Override
    public List<String> adaptableModules() {
        List<String> names = new ArrayList<>(List.of(LlamaNames.TABLE));
        for (int block = 0; block < counts.blocks; block++) {
            for (String module : variant.names.blockModules()) {
                names.add(LlamaNames.BODY + "layers." + block + "." + module);
            }
        }
        names.add(LlamaNames.HEAD);
        return names;
    }

    /** V·C, and as much again for a head of its own; of each block its maps, biases and norms; the last norm. */
    @Override
    public long parameterCount() {
        long c = counts.width;
        long inner = counts.inner;
        long q = heads.width();
        long k = heads.keyWidth();
        long block = c * (q + 2 * k) + q * c + 3 * c * inner + (variant.normsBranches() ? 4 : 2) * c;
        block += variant.normsHeads() ? 2L * heads.size() : 0;
        block += choices.attentionBias ? q + 2 * k : 0;
        block += choices.outputBias ? c : 0;
        block += choices.mlpBias ? 2 * inner + c : 0;
        return counts.vocabulary * c * (choices.tied ? 1 : 2) + counts.blocks * block + c;
    }
}
