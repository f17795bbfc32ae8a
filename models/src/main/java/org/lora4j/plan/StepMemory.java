package org.lora4j.plan;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.CountingBackend;
import org.lora4j.backend.FourBitWeights;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.family.ModelConfig;
import org.lora4j.family.ModelFamily;
import org.lora4j.family.SequenceClassifier;
import org.lora4j.model.Model;
import org.lora4j.nn.LanguageModelHead;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;

/**
 * How many numbers a step of training holds: the very step is taken, on a backend that counts what is allocated and computes
 * nothing. So it is exact, whatever the model and the method do, and takes milliseconds.
 *
 * @param base    the model
 * @param trained what the method adds to it
 * @param pass    what forward and backward hold
 * @param saved   whether an adapter is saved, or a whole model
 */
public record StepMemory(Base base, Trained trained, Pass pass, Tuning.Saved saved) {

    /**
     * The frozen model.
     *
     * @param numbers of all its parameters
     * @param bytes   of them as each type holds them, with factors of rows and scales of blocks
     */
    public record Base(long numbers, Map<WeightType, Long> bytes) {

        /** Keeps its own copy. */
        public Base {
            bytes = Map.copyOf(bytes);
        }
    }

    /**
     * What trains.
     *
     * @param numbers   that train
     * @param ofHead    those of them that are a classifier's head, which the paper's counts leave out
     * @param values    what is allocated for them: a method that trains the base's own parameters trains copies
     * @param gradients of them
     * @param moments   AdamW's two
     */
    public record Trained(long numbers, long ofHead, long values, long gradients, long moments) {

        /** As the paper counts: without a classifier's head. */
        public long withoutHead() {
            return numbers - ofHead;
        }
    }

    /**
     * What a pass holds.
     *
     * @param activations what backward reads again
     * @param scratch     what layers share and need for a moment
     * @param logits      of a language model's head, a block of rows at a time
     */
    public record Pass(long activations, long scratch, long logits) {

        long numbers() {
            return activations + scratch + logits;
        }
    }

    /**
     * Takes the step.
     *
     * @throws LoraException if the model is none for this step or this method, or a tensor would have more rows than can be
     *                       counted
     */
    public static StepMemory of(ModelConfig config, PlannedStep step, TuningMethod method) {
        return counted(config, step, method, new CountingBackend());
    }

    /** How many numbers a backend would hold beside these, in layouts of its own. */
    public static long besides(ModelConfig config, PlannedStep step, TuningMethod method, BackendProvider provider) {
        CountingBackend backend = new CountingBackend();
        counted(config, step, method, backend);
        return provider.besides(backend);
    }

    private static StepMemory counted(ModelConfig config, PlannedStep step, TuningMethod method, CountingBackend backend) {
        try {
            return count(config, step, method, backend);
        } catch (ArithmeticException | IllegalArgumentException e) { // beyond 2^31 rows or numbers of a tensor, or 2^63 of all
            throw new LoraException("a step of " + step.batch() + " × " + step.length() + " tokens on a model "
                    + config.sizes().width() + " wide with " + config.sizes().vocabulary() + " tokens has more numbers than a tensor "
                    + "can hold: it runs nowhere", e);
        }
    }

    private static StepMemory count(ModelConfig config, PlannedStep step, TuningMethod method, CountingBackend backend) {
        ModelFamily family = Families.of(config.names());
        Batch tokens = step.tokens();
        Optional<SequenceClassifier> classifier = step.labels().map(labels -> family.emptyClassifier(config, labels, backend));
        Model model = classifier.isPresent() ? classifier.get() : family.empty(config, backend);
        Base base = base(model, backend.taken());
        model.parameters().forEach(parameter -> backend.freeze(parameter.value())); // as one that is loaded
        Tuning tuning = method.attach(model, 0);
        long gradients = tuning.parameterCount();
        long attached = backend.taken() - gradients;
        long values = Math.min(attached, tuning.parameterCount()); // the rest is what attaching needs, and perhaps passes
        AdamW adamW = new AdamW(backend, tuning.trainable(), AdamW.Settings.AUTHORS);
        long moments = backend.taken();
        long ofHead = step.labels().isEmpty() ? 0 : tuning.trainable().stream()
                .filter(parameter -> model.names().isOfClassifier(parameter.name())).mapToLong(Parameter::size).sum();
        Workspace keeping = Workspace.forTraining(backend, tokens.inputIds().length, 0);
        Workspace ws = step.recompute() ? keeping.recomputing() : keeping;
        if (classifier.isPresent()) {
            classifier.get().lossAndGradients(new LabelledBatch(tokens, new double[step.batch()]), 1, 0, 0, ws);
        } else {
            ((LanguageModel) model).lossAndGradients(tokens, 1, 0, 0, ws);
        }
        adamW.step(1);
        long logits = ws.held(LanguageModelHead.class);
        long kept = ws.held(Object.class) - logits;
        return new StepMemory(base, new Trained(tuning.parameterCount(), ofHead, values, gradients, moments),
                new Pass(kept, attached - values + backend.taken() - kept - logits, logits), tuning.saved());
    }

    private static Base base(Model model, long numbers) {
        Map<WeightType, Long> bytes = new EnumMap<>(WeightType.class);
        for (WeightType type : WeightType.values()) {
            bytes.put(type, held(model, type));
        }
        return new Base(numbers, bytes);
    }

    /** Bytes of the parameters where matrices are held in a type. */
    private static long held(Model model, WeightType type) {
        long bytes = 0;
        for (Parameter parameter : model.parameters()) {
            WeightType own = model.names().typeOf(parameter.name(), type);
            long beside = switch (own) {
                case FLOAT32, BF16 -> 0;
                case INT8 -> 4L * parameter.value().rows();
                case NF4 -> parameter.size() / FourBitWeights.BLOCK + 4 * parameter.size() / FourBitWeights.BLOCK
                        / FourBitWeights.OUTER_BLOCK;
            };
            bytes += (long) (parameter.size() * own.bytes()) + beside;
        }
        return bytes;
    }

    /** Bytes of the step on a backend of floats whose base is held in a type. */
    public long bytes(WeightType type) {
        return base.bytes().get(type) + Float.BYTES * (numbers() - base.numbers());
    }

    /** All of it. */
    public long numbers() {
        return base.numbers() + trained.values() + trained.gradients() + trained.moments() + pass.numbers();
    }
}
