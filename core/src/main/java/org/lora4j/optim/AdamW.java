package org.lora4j.optim;

import java.util.List;
import java.util.function.Function;
import org.lora4j.backend.AdamWStep.Betas;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.AdamWStep;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Tensor;

/**
 * AdamW (Loshchilov and Hutter 2019) over some trainable parameters, with a first and a second moment for each:
 *
 * <pre>
 *   m ← β₁·m + (1 − β₁)·g      v ← β₂·v + (1 − β₂)·g²      p ← p − η·(m/c₁)/(√(v/c₂) + ε)
 * </pre>
 *
 * <p>and p ← p − η·λ·p before that (PyTorch) or after it (the authors' scripts), see {@link DecayOrder}. Decay falls on
 * every trainable tensor, A and B alike, as in the authors' scripts, unless its {@link Group} says otherwise.
 */
public final class AdamW {

    /**
     * The numbers of AdamW that stay the same.
     *
     * @param beta1       β₁
     * @param beta2       β₂
     * @param epsilon     ε; the authors' scripts use 1e-6, PyTorch 1e-8
     * @param weightDecay λ
     * @param decayOrder  where the decay stands
     * @param epsilonOnRaw whether ε is added to √v before v's bias is corrected, p ← p − η·(√c₂/c₁)·m/(√v + ε), as the
     *                    authors' scripts do it; PyTorch and the paper of AdamW add it to √(v/c₂)
     */
    public record Settings(
            double beta1, double beta2, double epsilon, double weightDecay, DecayOrder decayOrder,
            boolean epsilonOnRaw) {

        /** β 0.9 and 0.999, ε 1e-6 on the raw √v, λ 0.01 after the update: the authors' GPT-2 scripts. */
        public static final Settings AUTHORS = new Settings(0.9, 0.999, 1e-6, 0.01, DecayOrder.AFTER, true);

        /** β 0.9 and 0.999, ε 1e-8, λ 0.01 before the update: PyTorch's defaults. */
        public static final Settings PYTORCH = new Settings(0.9, 0.999, 1e-8, 0.01, DecayOrder.BEFORE, false);

        /** ε as it is added to √(v/c₂): (√v + ε)/√c₂ = √(v/c₂) + ε/√c₂. */
        double epsilonAt(long step) {
            return epsilonOnRaw ? epsilon / Math.sqrt(1 - Math.pow(beta2, step)) : epsilon;
        }
    }

    /**
     * How a parameter learns beside the others.
     *
     * @param rate   its learning rate over the step's
     * @param decays whether it takes part in weight decay
     */
    public record Group(double rate, boolean decays) {

        /** As the step says. */
        public static final Group USUAL = new Group(1, true);
    }

    private final Backend backend;
    private final List<Parameter> parameters;
    private final Settings settings;
    private final Group[] groups;
    private final Tensor[] firstMoments;
    private final Tensor[] secondMoments;
    private long step;

    /**
     * An optimiser whose moments are zero.
     *
     * @param parameters what trains; each has a gradient
     */
    public AdamW(Backend backend, List<Parameter> parameters, Settings settings) {
        this(backend, parameters, settings, parameter -> Group.USUAL);
    }

    /**
     * The same, with parameters in groups that have rates of their own.
     *
     * @param group of each parameter
     */
    public AdamW(Backend backend, List<Parameter> parameters, Settings settings, Function<Parameter, Group> group) {
        groups = parameters.stream().map(group).toArray(Group[]::new);
        this.backend = backend;
        this.parameters = List.copyOf(parameters);
        this.settings = settings;
        firstMoments = new Tensor[parameters.size()];
        secondMoments = new Tensor[parameters.size()];
        for (int i = 0; i < firstMoments.length; i++) {
            firstMoments[i] = backend.allocate(parameters.get(i).shape());
            secondMoments[i] = backend.allocate(parameters.get(i).shape());
        }
    }

    /** One update of every parameter from its gradient, which stays as it is. */
    public void step(double learningRate) {
        step++;
        for (int i = 0; i < firstMoments.length; i++) {
            Parameter parameter = parameters.get(i);
            backend.adamW(parameter.value(), parameter.gradient(), firstMoments[i], secondMoments[i],
                    numbers(learningRate, groups[i]));
        }
    }

    private AdamWStep numbers(double learningRate, Group group) {
        return new AdamWStep(
                learningRate * group.rate, new Betas(settings.beta1(), settings.beta2()), settings.epsilonAt(step),
                group.decays ? settings.weightDecay() : 0, step, true, settings.decayOrder());
    }

    /** Updates made so far; t of the next is one more. */
    public long steps() {
        return step;
    }

    /** Goes on from a checkpoint whose moments have been uploaded. */
    public void resumeAt(long steps) {
        step = steps;
    }

    /** What it updates. */
    public List<Parameter> parameters() {
        return parameters;
    }

    /** m of the i-th parameter. */
    public Tensor firstMoment(int i) {
        return firstMoments[i];
    }

    /** v of the i-th parameter. */
    public Tensor secondMoment(int i) {
        return secondMoments[i];
    }
}
