package org.lora4j.train;

import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.model.TrainableModel;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.optim.GradientClip;
import org.lora4j.task.Objective;
import org.lora4j.tensor.Tensor;

/**
 * The two halves of a training step, which a {@link Trainer} does one after the other and a cluster on different machines:
 *
 * <pre>
 *   gradients   g = ∇ 1/n · Σ loss over the n targets of the step's batches
 *   apply       clip g, then AdamW with this learning rate
 * </pre>
 *
 * <p><b>How partial gradients round and add.</b> The gradient of each micro-batch is made from zero and rounded to the
 * backend's own type, float or double. The gradients are then added in the order of the batches, each sum rounded to that
 * type; the first is taken as it is:
 *
 * <pre>
 *   s ← g₁        s ← round(s + g₂)        s ← round(s + g₃)        …
 * </pre>
 *
 * So a step of four micro-batches here has the bits of four steps of one each, on four models that are equal, whose
 * gradients are read, brought here and added in order. What that needs: each is told the targets of the <em>whole</em> step
 * and its own number, so its losses weigh the same and its dropout drops the same; one that has no batch in a step, as in
 * the last of an epoch, is left out of the sum; and machines of one kind, since another vector width has other last places.
 * A step of one micro-batch adds nothing up and needs no memory for it; one of more holds the sum beside the gradients, as
 * many numbers as train.
 *
 * @param <B> the batches that the model takes
 */
public final class Step<B> {

    private final TrainableModel<B> model;
    private final Backend backend;
    private final Objective<?, B> objective;
    private final List<Parameter> trainable;
    private final TrainingPlan plan;
    private final AdamW adamW;
    private final Workspace ws;
    private final Tensor[] sums; // an entry is null until it is needed

    private Step(
            TrainableModel<B> model, Objective<?, B> objective, List<Parameter> trainable, TrainingPlan plan, long maxTokens) {
        this.model = model;
        this.objective = objective;
        this.trainable = List.copyOf(trainable);
        this.plan = plan;
        backend = model.backend();
        adamW = new AdamW(backend, this.trainable, plan.adamW(), plan::group);
        Workspace keeping = Workspace.forTraining(backend, maxTokens, plan.seed());
        ws = plan.recompute() ? keeping.recomputing() : keeping;
        sums = new Tensor[this.trainable.size()];
    }

    /**
     * Steps of a model, the first of which is to come.
     *
     * @param trainable what trains; each has a gradient, which is this step's to write
     * @param plan      of which it takes the optimiser's settings, the clipping, the label smoothing, dropout's seed, and
     *                  whether activations are made again
     * @param maxTokens of the largest batch that is to come, padding included; larger ones work too, but allocate again
     * @throws LoraException if nothing trains
     */
    public static <B> Step<B> of(
            TrainableModel<B> model, Objective<?, B> objective, List<Parameter> trainable, TrainingPlan plan, long maxTokens) {
        if (trainable.isEmpty()) {
            throw new LoraException("nothing trains: the model has no trainable parameter. Attach an adapter first");
        }
        return new Step<>(model, objective, trainable, plan, maxTokens);
    }

    /**
     * Leaves in the parameters the gradients of these micro-batches, in place of what was there: zeros where there is none.
     *
     * @param targetsOfTheStep n, the targets of these and of all other micro-batches of the step
     * @param number           of the first micro-batch, the others have those that follow; no two of a run have the same,
     *                         since dropout depends on it
     * @return Σ of the losses of these micro-batches' targets, not divided by n
     */
    public double gradients(List<B> batches, long targetsOfTheStep, long number) {
        double loss = 0;
        trainable.forEach(Parameter::clearGradient);
        for (int i = 0; i < batches.size(); i++) {
            if (i > 0) {
                trainable.forEach(Parameter::clearGradient);
            }
            loss += objective.lossAndGradients(
                    model, batches.get(i), 1.0 / targetsOfTheStep, plan.labelSmoothing(), number + i, ws);
            if (batches.size() > 1) {
                add(i == 0, i == batches.size() - 1);
            }
        }
        return loss;
    }

    /** Adds the micro-batch's gradient to the sum. The last adds the sum to its own, which is the same number. */
    private void add(boolean first, boolean last) {
        for (int p = 0; p < sums.length; p++) {
            Tensor gradient = trainable.get(p).gradient();
            if (last) {
                backend.add(sum(p), gradient);
            } else if (first) {
                backend.copy(gradient.matrix(), sum(p).matrix());
            } else {
                backend.add(gradient, sum(p));
            }
        }
    }

    private Tensor sum(int parameter) {
        if (sums[parameter] == null) {
            sums[parameter] = backend.allocate(trainable.get(parameter).shape());
        }
        return sums[parameter];
    }

    /**
     * Updates what trains by the gradients that are in the parameters, clipping them where the plan has a limit.
     *
     * @return the norm of all gradients before clipping, 0 where the plan has no limit. Where it is not finite, nothing was
     *         updated
     */
    public double apply(double learningRate) {
        double norm = 0;
        if (plan.clipNorm() > 0) {
            norm = GradientClip.clip(backend, trainable, plan.clipNorm());
            if (!Double.isFinite(norm)) {
                return norm;
            }
        }
        adamW.step(learningRate);
        return norm;
    }

    /** What trains, in an order that is the same for equal models. */
    public List<Parameter> trainable() {
        return trainable;
    }

    /** The gradient of the i-th parameter, row by row, without rounding. */
    public double[] readGradient(int i) {
        return backend.readDoubles(trainable.get(i).gradient());
    }

    /** gradient ← values, rounded to the backend's type. */
    public void writeGradient(int i, double[] values) {
        backend.upload(required(i, values), trainable.get(i).gradient());
    }

    /** gradient ← gradient + values, each value and each sum rounded to the backend's type. */
    public void addGradient(int i, double[] values) {
        backend.upload(required(i, values), sum(i));
        backend.add(sum(i), trainable.get(i).gradient());
    }

    private double[] required(int i, double[] values) {
        if (values.length != trainable.get(i).size()) {
            throw new IllegalArgumentException("a gradient of " + trainable.get(i).name() + " with " + values.length
                    + " numbers, expected " + trainable.get(i).size());
        }
        return values;
    }

    // ------------------------------------------------------------------------------------------------ for the Trainer

    /** Σ of the losses of a batch with the parameters as they are, without gradients. */
    double loss(B batch) {
        return objective.loss(model, batch, ws);
    }

    AdamW adamW() {
        return adamW;
    }
}
