package org.lora4j.tuning.lora;

import com.google.common.base.Splitter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.nn.Role;
import org.lora4j.select.PatternMap;
import org.lora4j.select.TargetSelector;

/**
 * What makes an adapter, apart from its numbers:
 *
 * <pre>{@code
 * LoraConfig.of(4, 32).withParts("q", "v").withDropout(0.1)
 * }</pre>
 *
 * @param rank    r
 * @param alpha   alpha, the numerator of the scaling
 * @param scaling alpha/r or alpha/√r
 * @param dropout on the input of the low-rank branch, in training
 * @param bias    which biases train too
 * @param init    how A begins
 * @param targets which maps and embeddings get one update as a whole; null for none
 * @param parts   maps by what they do, such as q, v and o: the words of {@link org.lora4j.nn.Role}. Of a fused map, that part
 *                gets an update of its own ({@link MergedLoraLinear}); any other map gets one as a whole. May be empty
 * @param layers  the numbers of the layers in which {@code parts} get one; empty for all
 * @param ranks   another r for some targets, by PEFT's {@code rank_pattern}
 * @param alphas  another alpha for some targets, by PEFT's {@code alpha_pattern}
 * @param dora    whether each output has a trained magnitude, see {@link DoraLinear}
 */
public record LoraConfig(
        int rank, double alpha, LoraScaling scaling, double dropout, BiasMode bias, LoraInit init,
        TargetSelector targets, List<String> parts, List<Integer> layers, PatternMap<Integer> ranks,
        PatternMap<Double> alphas, boolean dora) {

    /** What a line of targets begins with that is an expression. */
    private static final String EXPRESSION = "regex:";

    public LoraConfig {
        if (rank < 1) {
            throw new LoraException("`rank` " + rank + ": a low-rank update needs a rank of at least 1");
        }
        if (!Double.isFinite(alpha)) {
            throw new LoraException("`alpha` " + alpha + ": expected a finite number");
        }
        if (!(dropout >= 0 && dropout < 1)) {
            throw new LoraException("`dropout` " + dropout + ": a probability of dropping lies in [0, 1)");
        }
        parts = List.copyOf(parts);
        layers = List.copyOf(layers);
    }

    /** Rank and alpha with the paper's choices for the rest: alpha/r, A Gaussian, no dropout, no bias; no target yet. */
    public static LoraConfig of(int rank, double alpha) {
        return new LoraConfig(
                rank, alpha, LoraScaling.ALPHA_OVER_R, 0, BiasMode.NONE, LoraInit.PAPER_GAUSSIAN, null, List.of(),
                List.of(), new PatternMap<>("rank_pattern", Map.of()), new PatternMap<>("alpha_pattern", Map.of()),
                false);
    }

    public LoraConfig withTargets(TargetSelector targets) {
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
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
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
    }

    /** Parts in these layers only. */
    public LoraConfig withPartsInLayers(List<Integer> layers) {
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
    }

    public LoraConfig withScaling(LoraScaling scaling) {
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
    }

    public LoraConfig withDropout(double dropout) {
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
    }

    public LoraConfig withBias(BiasMode bias) {
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
    }

    /** Weight-decomposed: with a trained magnitude for each output ({@link DoraLinear}). */
    public LoraConfig withDora(boolean dora) {
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
    }

    public LoraConfig withInit(LoraInit init) {
        return new LoraConfig(rank, alpha, scaling, dropout, bias, init, targets, parts, layers, ranks, alphas, dora);
    }

    /** Other ranks and alphas for modules whose names match, by PEFT's rules for {@code rank_pattern}. */
    public LoraConfig withPatterns(Map<String, Integer> ranks, Map<String, Double> alphas) {
        return new LoraConfig(
                rank, alpha, scaling, dropout, bias, init, targets, parts, layers, new PatternMap<>("rank_pattern", ranks),
                new PatternMap<>("alpha_pattern", alphas), dora);
    }

    /** r of one module. */
    public int rankOf(String module) {
        return ranks.valueFor(module).orElse(rank);
    }

    /** alpha of one module. */
    public double alphaOf(String module) {
        return alphas.valueFor(module).orElse(alpha);
    }
}
