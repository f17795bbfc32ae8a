package org.lora4j.tuning.lora;

import com.google.common.base.Splitter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.nn.Role;
import org.lora4j.select.PatternMap;
import org.lora4j.select.TargetSelector;

/**
 * What makes an adapter, apart from its numbers. It does not change; what is put differently is a new one:
 *
 * <pre>{@code
 * LoraConfig.of(4, 32).withParts("q", "v").withDropout(0.1)
 * }</pre>
 */
public final class LoraConfig {

    /** What a line of targets begins with that is an expression. */
    private static final String EXPRESSION = "regex:";

    // set before anyone else sees the object, and never again: see changed()
    private int rank;
    private double alpha;
    private LoraScaling scaling = LoraScaling.ALPHA_OVER_R;
    private double dropout;
    private BiasMode bias = BiasMode.NONE;
    private LoraInit init = LoraInit.PAPER_GAUSSIAN;
    private @Nullable TargetSelector targets;
    private List<String> parts = List.of();
    private List<Integer> layers = List.of();
    private PatternMap<Integer> ranks = new PatternMap<>("rank_pattern", Map.of());
    private PatternMap<Double> alphas = new PatternMap<>("alpha_pattern", Map.of());
    private boolean dora;
    private int pissaIterations;

    private LoraConfig() {
    }

    /** Rank and alpha with the paper's choices for the rest: alpha/r, A Gaussian, no dropout, no bias; no target yet. */
    public static LoraConfig of(int rank, double alpha) {
        return new LoraConfig().changed(config -> {
            config.rank = rank;
            config.alpha = alpha;
        });
    }

    /** A copy with a change in it, checked. */
    private LoraConfig changed(Consumer<LoraConfig> change) {
        LoraConfig copy = new LoraConfig();
        copy.rank = rank;
        copy.alpha = alpha;
        copy.scaling = scaling;
        copy.dropout = dropout;
        copy.bias = bias;
        copy.init = init;
        copy.targets = targets;
        copy.parts = parts;
        copy.layers = layers;
        copy.ranks = ranks;
        copy.alphas = alphas;
        copy.dora = dora;
        copy.pissaIterations = pissaIterations;
        change.accept(copy);
        copy.check();
        return copy;
    }

    private void check() {
        if (rank < 1) {
            throw new LoraException("`rank` " + rank + ": a low-rank update needs a rank of at least 1");
        }
        if (!Double.isFinite(alpha)) {
            throw new LoraException("`alpha` " + alpha + ": expected a finite number");
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new LoraException("`dropout` " + dropout + ": a probability of dropping lies in [0, 1)");
        }
    }

    // ------------------------------------------------------------------------------------------------ the same, but

    /** Updates as a whole for these maps and embeddings; null for none. */
    public LoraConfig withTargets(@Nullable TargetSelector targets) {
        return changed(config -> config.targets = targets);
    }

    /**
     * Targets as people write them, in a line:
     *
     * <pre>
     *   q,v,o            maps by what they do, see {@link org.lora4j.nn.Role}
     *   c_attn,mlp.down  names of modules, or ends of names; may stand beside such words
     *   all-linear       every linear map but the head
     *   regex:EXPR       an expression in Python's dialect for whole names
     * </pre>
     *
     * @param layers the numbers of the layers that are meant; empty for all
     * @throws LoraException if the line names nothing
     */
    public LoraConfig withTargets(String line, List<Integer> layers) {
        if (line.startsWith(EXPRESSION)) {
            return withTargets(onLayers(TargetSelector.byExpression(line.substring(EXPRESSION.length())), layers));
        }
        if (line.strip().equalsIgnoreCase(TargetSelector.ALL_LINEAR)) {
            return withTargets(onLayers(TargetSelector.byExpression(TargetSelector.ALL_LINEAR), layers));
        }
        List<String> words = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (String target : Splitter.on(',').trimResults().omitEmptyStrings().split(line)) {
            String word = target.toLowerCase(Locale.ROOT);
            if (Role.named(word).isPresent() || word.length() == 1) { // a letter means a part, known or not
                words.add(word);
            } else {
                names.add(target);
            }
        }
        if (words.isEmpty() && names.isEmpty()) {
            throw new LoraException("`targets` '" + line + "': names nothing. Name some, such as q,v");
        }
        LoraConfig config = withParts(words).withPartsInLayers(layers);
        return names.isEmpty() ? config : config.withTargets(onLayers(TargetSelector.byNames(names), layers));
    }

    private static TargetSelector onLayers(TargetSelector selector, List<Integer> layers) {
        return layers.isEmpty() ? selector : selector.onLayers(layers);
    }

    /** An update for each of the maps that do this: of a fused map for that part ({@link MergedLoraLinear}). */
    public LoraConfig withParts(String... parts) {
        return withParts(List.of(parts));
    }

    /** An update for each of the maps that do this: of a fused map for that part ({@link MergedLoraLinear}). */
    public LoraConfig withParts(List<String> parts) {
        return changed(config -> config.parts = List.copyOf(parts));
    }

    /** Parts in these layers only; empty for all. */
    public LoraConfig withPartsInLayers(List<Integer> layers) {
        return changed(config -> config.layers = List.copyOf(layers));
    }

    public LoraConfig withScaling(LoraScaling scaling) {
        return changed(config -> config.scaling = scaling);
    }

    /** Dropout on the input of the low-rank branch, in training. */
    public LoraConfig withDropout(double dropout) {
        return changed(config -> config.dropout = dropout);
    }

    /** Biases that train too. */
    public LoraConfig withBias(BiasMode bias) {
        return changed(config -> config.bias = bias);
    }

    /** Weight-decomposed: with a trained magnitude for each output ({@link DoraLinear}). */
    public LoraConfig withDora(boolean dora) {
        return changed(config -> config.dora = dora);
    }

    /** How A begins. */
    public LoraConfig withInit(LoraInit init) {
        return changed(config -> config.init = init);
    }

    /**
     * A and B begin with the principal singular parts of W₀, see {@link Pissa}.
     *
     * @param iterations of a randomised decomposition, PEFT's {@code pissa_niter_N}; 0 for the exact one
     */
    public LoraConfig withPissa(int iterations) {
        if (iterations < 0) {
            throw new LoraException("`init` pissa_niter_" + iterations + ": expected at least 1 iteration, or pissa for none");
        }
        return changed(config -> {
            config.init = LoraInit.PISSA;
            config.pissaIterations = iterations;
        });
    }

    /** Other ranks and alphas for modules whose names match, by PEFT's rules for {@code rank_pattern}. */
    public LoraConfig withPatterns(Map<String, Integer> ranks, Map<String, Double> alphas) {
        return changed(config -> {
            config.ranks = new PatternMap<>("rank_pattern", ranks);
            config.alphas = new PatternMap<>("alpha_pattern", alphas);
        });
    }

    // ------------------------------------------------------------------------------------------------ what it says

    /** r. */
    public int rank() {
        return rank;
    }

    /** alpha, the numerator of the scaling. */
    public double alpha() {
        return alpha;
    }

    /** alpha/r or alpha/√r. */
    public LoraScaling scaling() {
        return scaling;
    }

    /** On the input of the low-rank branch, in training. */
    public double dropout() {
        return dropout;
    }

    /** Which biases train too. */
    public BiasMode bias() {
        return bias;
    }

    /** How A begins. */
    public LoraInit init() {
        return init;
    }

    /** Which maps and embeddings get one update as a whole; null for none. */
    public @Nullable TargetSelector targets() {
        return targets;
    }

    /**
     * Maps by what they do, such as q, v and o: the words of {@link org.lora4j.nn.Role}. Of a fused map, that part gets an
     * update of its own ({@link MergedLoraLinear}); any other map gets one as a whole. May be empty.
     */
    public List<String> parts() {
        return parts;
    }

    /** The numbers of the layers in which {@link #parts} get one; empty for all. */
    public List<Integer> layers() {
        return layers;
    }

    /** Another r for some targets, by PEFT's {@code rank_pattern}. */
    public PatternMap<Integer> ranks() {
        return ranks;
    }

    /** Another alpha for some targets, by PEFT's {@code alpha_pattern}. */
    public PatternMap<Double> alphas() {
        return alphas;
    }

    /** Iterations of PiSSA's randomised decomposition; 0 for the exact one. */
    public int pissaIterations() {
        return pissaIterations;
    }

    /** Whether each output has a trained magnitude, see {@link DoraLinear}. */
    public boolean dora() {
        return dora;
    }

    /** r of one module. */
    public int rankOf(String module) {
        return ranks.valueFor(module).orElse(rank);
    }

    /** alpha of one module. */
    public double alphaOf(String module) {
        return alphas.valueFor(module).orElse(alpha);
    }

    private List<@Nullable Object> values() {
        return Arrays.asList(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora, pissaIterations);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LoraConfig config && values().equals(config.values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    @Override
    public String toString() {
        return "LoraConfig[rank=" + rank + ", alpha=" + alpha + ", scaling=" + scaling + ", dropout=" + dropout + ", bias=" + bias
                + ", init=" + init + ", targets=" + targets + ", parts=" + parts + ", layers=" + layers + ", ranks=" + ranks
                + ", alphas=" + alphas + ", dora=" + dora + (pissaIterations > 0 ? ", iterations=" + pissaIterations : "") + "]";
    }
}
