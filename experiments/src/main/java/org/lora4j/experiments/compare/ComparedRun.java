package org.lora4j.experiments.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tensor.Tensor;

/**
 * What is done on every backend: one pass forward and backward over a batch that is watched at every place, then some
 * AdamW steps over the same batch that nobody watches, as training would do them. Dropout is off.
 *
 * @param batch        of a language model with labels that give at least one target
 * @param answers      the label of each sequence for a classifier; null for a language model
 * @param steps        how many updates, 0 for none
 * @param learningRate of each
 */
public record ComparedRun(Batch batch, double @Nullable [] answers, int steps, double learningRate) {

    /** Of a language model. */
    public ComparedRun(Batch batch, int steps, double learningRate) {
        this(batch, null, steps, learningRate);
    }

    /**
     * What came of it.
     *
     * @param measured        everything, in the order in which it is computed
     * @param tapsChangeNothing whether the first step, which nobody watched, had the loss and the gradients of the watched
     *                        pass bit for bit; also true where there was no step
     */
    public record Result(List<Measured> measured, boolean tapsChangeNothing) {
    }

    /**
     * Does it; the trainable tensors are afterwards as they were before.
     *
     * @param trainable what trains in {@code model}
     */
    public Result on(Model model, List<Parameter> trainable) {
        Backend backend = model.backend();
        List<double[]> before = trainable.stream().map(parameter -> backend.readDoubles(parameter.value())).toList();
        Workspace ws = Workspace.forGradients(backend, batch.inputIds().length);

        Recorder recorder = new Recorder(backend);
        ws.watch(recorder);
        double loss = gradients(model, trainable, ws);
        ws.watch(null);
        List<Measured> all = new ArrayList<>(recorder.read());
        List<Measured> gradients = new ArrayList<>();
        for (Parameter parameter : trainable) {
            gradients.add(read(Kind.GRADIENT, parameter.name(), 0, parameter.gradient(), backend));
        }
        all.addAll(gradients.reversed()); // as backward comes by them: from the last layer to the first

        boolean same = true;
        AdamW adamW = new AdamW(backend, trainable, AdamW.Settings.PYTORCH);
        for (int step = 1; step <= steps; step++) {
            double unwatched = gradients(model, trainable, ws);
            if (step == 1) {
                same = unwatched == loss && sameGradients(gradients, trainable, backend);
            }
            all.add(new Measured(Kind.UPDATE, "loss", step, 1, new double[] {unwatched}));
            adamW.step(learningRate);
            for (Parameter parameter : trainable) {
                all.add(read(Kind.UPDATE, parameter.name(), step, parameter.value(), backend));
            }
        }
        for (int i = 0; i < before.size(); i++) {
            backend.upload(before.get(i), trainable.get(i).value());
        }
        return new Result(all, same);
    }

    /** The mean loss; gradients are in the parameters. */
    private double gradients(Model model, List<Parameter> trainable, Workspace ws) {
        trainable.forEach(Parameter::clearGradient);
        if (answers != null) {
            LabelledBatch labelled = new LabelledBatch(batch, answers);
            return ((SequenceClassifier) model).lossAndGradients(labelled, 1.0 / batch.size(), 0, 0, ws) / batch.size();
        }
        return ((LanguageModel) model).lossAndGradients(batch, 1.0 / batch.targets(), 0, 0, ws) / batch.targets();
    }

    private static Measured read(
            Kind kind, String place, int step, Tensor tensor, Backend backend) {
        return new Measured(kind, place, step, tensor.columns(), backend.readDoubles(tensor));
    }

    private static boolean sameGradients(List<Measured> gradients, List<Parameter> trainable, Backend backend) {
        for (int i = 0; i < gradients.size(); i++) {
            if (!Arrays.equals(gradients.get(i).values(), backend.readDoubles(trainable.get(i).gradient()))) {
                return false;
            }
        }
        return true;
    }
}
