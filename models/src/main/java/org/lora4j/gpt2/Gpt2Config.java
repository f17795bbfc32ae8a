package org.lora4j.gpt2;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.family.ModelConfig;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.tensor.Shape;

/**
 * The sizes and choices of a GPT-2, by the names of its {@code config.json}. It does not change; what is put differently is
 * a new one: {@code Gpt2Config.of(50257, 1024, 768, 12, 12).withTieWordEmbeddings(false)}.
 */
public final class Gpt2Config implements ModelConfig {

    private static final int MOST_LAYERS = 1 << 16;
    private static final int WIDEST = Integer.MAX_VALUE / 3;

    // set before anyone else sees the object, and never again: see changed()
    private int vocabSize;
    private int nPositions;
    private int nEmbd;
    private int nLayer;
    private int nHead;
    private int nInner;
    private Activation activation = Activation.GELU_TANH;
    private double layerNormEpsilon = 1e-5;
    private boolean scaleAttention = true;
    private boolean scaleByInverseLayer;
    private boolean tieWordEmbeddings = true;

    private Gpt2Config() {
    }

    /** A GPT-2 with the usual choices: tanh GELU, 4·C, ε 1e-5, tied head. */
    public static Gpt2Config of(int vocabSize, int nPositions, int nEmbd, int nLayer, int nHead) {
        return of(vocabSize, nPositions, nEmbd, nLayer, nHead, innerOf(nEmbd));
    }

    /** The same with a perceptron of another width than 4·C. */
    public static Gpt2Config of(int vocabSize, int nPositions, int nEmbd, int nLayer, int nHead, int nInner) {
        return new Gpt2Config().changed(config -> {
            config.vocabSize = vocabSize;
            config.nPositions = nPositions;
            config.nEmbd = nEmbd;
            config.nLayer = nLayer;
            config.nHead = nHead;
            config.nInner = nInner;
        });
    }

    /** A copy with a change in it, checked. */
    private Gpt2Config changed(Consumer<Gpt2Config> change) {
        Gpt2Config copy = new Gpt2Config();
        copy.vocabSize = vocabSize;
        copy.nPositions = nPositions;
        copy.nEmbd = nEmbd;
        copy.nLayer = nLayer;
        copy.nHead = nHead;
        copy.nInner = nInner;
        copy.activation = activation;
        copy.layerNormEpsilon = layerNormEpsilon;
        copy.scaleAttention = scaleAttention;
        copy.scaleByInverseLayer = scaleByInverseLayer;
        copy.tieWordEmbeddings = tieWordEmbeddings;
        change.accept(copy);
        copy.check();
        return copy;
    }

    private void check() {
        if (vocabSize < 1 || nPositions < 1 || nEmbd < 1 || nLayer < 1 || nHead < 1 || nInner < 1) {
            throw new LoraException("a GPT-2 needs positive sizes, found vocab_size " + vocabSize + ", n_positions "
                    + nPositions + ", n_embd " + nEmbd + ", n_layer " + nLayer + ", n_head " + nHead + ", n_inner "
                    + nInner);
        }
        requireAtMost("n_layer", nLayer, MOST_LAYERS, "the header of a safetensors file has no room for more");
        requireAtMost("n_embd", nEmbd, WIDEST, "q, k and v lie side by side, and their rows are counted in 31 bits");
        if (nEmbd % nHead != 0) {
            throw new LoraException("n_head " + nHead + " does not divide n_embd " + nEmbd
                    + ": every head has the same whole number of features");
        }
    }

    private static void requireAtMost(String field, int found, int most, String why) {
        if (found > most) {
            throw new LoraException(field + " is " + found + ", expected at most " + most + ": " + why);
        }
    }

    /** The width of the perceptron where nothing else is said: 4·C. */
    static int innerOf(int nEmbd) {
        if (nEmbd > Integer.MAX_VALUE / 4) {
            throw new LoraException("n_embd is " + nEmbd + ", expected at most " + Integer.MAX_VALUE / 4
                    + ": the perceptron's width of 4·n_embd is counted in 31 bits");
        }
        return 4 * nEmbd;
    }

    /** The perceptron's function between its two maps. */
    public Gpt2Config withActivation(Activation activation) {
        return changed(config -> config.activation = activation);
    }

    /** ε of every LayerNorm. */
    public Gpt2Config withLayerNormEpsilon(double epsilon) {
        return changed(config -> config.layerNormEpsilon = epsilon);
    }

    /** Whether q·k is multiplied by 1/√headSize ({@code scale_attn_weights}). */
    public Gpt2Config withScaleAttention(boolean scaled) {
        return changed(config -> config.scaleAttention = scaled);
    }

    /** Whether q·k of block i is also divided by i + 1 ({@code scale_attn_by_inverse_layer_idx}). */
    public Gpt2Config withScaleByInverseLayer(boolean scaled) {
        return changed(config -> config.scaleByInverseLayer = scaled);
    }

    /** The same with or without a head of its own. */
    public Gpt2Config withTieWordEmbeddings(boolean tied) {
        return changed(config -> config.tieWordEmbeddings = tied);
    }

    /** GPT-2 small: 124,439,808 parameters. */
    public static Gpt2Config small() {
        return of(50257, 1024, 768, 12, 12);
    }

    /** GPT-2 medium: 354,823,168 parameters. */
    public static Gpt2Config medium() {
        return of(50257, 1024, 1024, 24, 16);
    }

    /** GPT-2 large: 774,030,080 parameters. */
    public static Gpt2Config large() {
        return of(50257, 1024, 1280, 36, 20);
    }

    /** GPT-2 XL: 1,557,611,200 parameters. */
    public static Gpt2Config xl() {
        return of(50257, 1024, 1600, 48, 25);
    }

    /** V. */
    public int vocabSize() {
        return vocabSize;
    }

    /** The longest sequence. */
    public int nPositions() {
        return nPositions;
    }

    /** C. */
    public int nEmbd() {
        return nEmbd;
    }

    /** Number of blocks. */
    public int nLayer() {
        return nLayer;
    }

    /** Number of heads; divides C. */
    public int nHead() {
        return nHead;
    }

    /** Width of the perceptron, 4·C unless the file says otherwise. */
    public int nInner() {
        return nInner;
    }

    /** The perceptron's function between its two maps. */
    public Activation activation() {
        return activation;
    }

    /** ε of every LayerNorm. */
    public double layerNormEpsilon() {
        return layerNormEpsilon;
    }

    /** Whether q·k is multiplied by 1/√headSize ({@code scale_attn_weights}). */
    public boolean scaleAttention() {
        return scaleAttention;
    }

    /** Whether q·k of block i is also divided by i + 1 ({@code scale_attn_by_inverse_layer_idx}). */
    public boolean scaleByInverseLayer() {
        return scaleByInverseLayer;
    }

    /** Whether the head is the token embedding. */
    public boolean tieWordEmbeddings() {
        return tieWordEmbeddings;
    }

    @Override
    public ModelNames names() {
        return Gpt2Family.NAMES;
    }

    @Override
    public ModelSizes sizes() {
        return new ModelSizes(vocabSize, nPositions, nEmbd, nLayer, nHead, nInner, nEmbd);
    }

    @Override
    public boolean isTied() {
        return tieWordEmbeddings;
    }

    /** The columns of a head: width / heads. */
    public int headSize() {
        return nEmbd / nHead;
    }

    /** What multiplies q·k in block {@code layer}. */
    public double attentionScale(int layer) {
        double scale = scaleAttention ? 1 / Math.sqrt(headSize()) : 1;
        return scaleByInverseLayer ? scale / (layer + 1) : scale;
    }

    /**
     * The shape of a parameter in memory, weights as out × in.
     *
     * @param name as in Hugging Face's files, with the prefix {@code transformer.}
     */
    public Shape shapeOf(String name) {
        String last = name.substring(name.indexOf('.') + 1).replaceFirst("^h\\.\\d+\\.", "");
        return switch (last) {
            case "wte.weight", "weight" -> Shape.of(vocabSize, nEmbd); // "weight" is what is left of lm_head.weight
            case "wpe.weight" -> Shape.of(nPositions, nEmbd);
            case "attn.c_attn.weight" -> Shape.of(3 * nEmbd, nEmbd);
            case "attn.c_attn.bias" -> Shape.of(3 * nEmbd);
            case "attn.c_proj.weight" -> Shape.of(nEmbd, nEmbd);
            case "mlp.c_fc.weight" -> Shape.of(nInner, nEmbd);
            case "mlp.c_fc.bias" -> Shape.of(nInner);
            case "mlp.c_proj.weight" -> Shape.of(nEmbd, nInner);
            default -> Shape.of(nEmbd); // LayerNorms, and the biases of both c_proj
        };
    }

    @Override
    public List<String> adaptableModules() {
        List<String> names = new ArrayList<>(List.of("transformer.wte", "transformer.wpe"));
        for (int layer = 0; layer < nLayer; layer++) {
            for (String module : List.of("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")) {
                names.add("transformer.h." + layer + "." + module);
            }
        }
        names.add("lm_head");
        return names;
    }

    /** The number of parameters: V·C + P·C + L·(4C² + 2·C·I + 9·C + I) + 2·C, and V·C more for an untied head. */
    @Override
    public long parameterCount() {
        long c = nEmbd;
        long inner = nInner;
        long block = 4 * c * c + 2 * c * inner + 9 * c + inner;
        long head = tieWordEmbeddings ? 0 : vocabSize * c;
        return vocabSize * c + nPositions * c + nLayer * block + 2 * c + head;
    }

    private List<Object> values() {
        return List.of(vocabSize, nPositions, nEmbd, nLayer, nHead, nInner, activation, layerNormEpsilon, scaleAttention,
                scaleByInverseLayer, tieWordEmbeddings);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Gpt2Config config && values().equals(config.values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    /** In these words a checkpoint knows its model. */
    @Override
    public String toString() {
        return "Gpt2Config[vocabSize=" + vocabSize + ", nPositions=" + nPositions + ", nEmbd=" + nEmbd + ", nLayer=" + nLayer
                + ", nHead=" + nHead + ", nInner=" + nInner + ", activation=" + activation + ", layerNormEpsilon="
                + layerNormEpsilon + ", scaleAttention=" + scaleAttention + ", scaleByInverseLayer=" + scaleByInverseLayer
                + ", tieWordEmbeddings=" + tieWordEmbeddings + "]";
    }
}
