package org.lora4j.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.lora4j.LoraException;
import org.lora4j.chat.ChatTemplate;
import org.lora4j.data.Batch;
import org.lora4j.data.EncodedExample;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.data.LengthGroupedBatches;
import org.lora4j.data.TextPair;
import org.lora4j.family.LanguageModel;
import org.lora4j.task.Completion;
import org.lora4j.tensor.Philox;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.tuning.Tuning.Saved;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;

/**
 * The main job: a model learns to complete contexts, or to take the assistant's part in chats, by any {@link TuningMethod}.
 *
 * <pre>{@code
 * FineTuning job = FineTuning.of(model, tokenizer).method(new LowRankAdaptation(LoraConfig.of(4, 32).withParts("q", "v")))
 *         .train(trainPairs).dev(devPairs).batchSize(8).seed(110).build();
 * Trainer.Outcome outcome = job.run(TrainingPlan.of(job.steps(1, 1), 2e-4, 110), folder, "gpt2", TrainingListener.NONE);
 * }</pre>
 *
 * <p>What is saved says whether it was trained on pairs, on chats or on texts, see {@link PromptFormat}.
 */
public final class FineTuning extends TrainingJob<EncodedExample, Batch> {

    private static final Completion OBJECTIVE = new Completion();

    private final ExampleEncoder.Result examples;
    private final ExampleEncoder.Result devExamples;

    private final ExampleEncoder encoder;
    private final Map<String, String> metadata;

    private FineTuning(
            Parts<EncodedExample, Batch> parts, Map<String, String> recipe, ExampleEncoder encoder, ExampleEncoder.Result examples,
            ExampleEncoder.Result devExamples, Map<String, String> metadata) {
        super(parts, recipe);
        this.encoder = encoder;
        this.examples = examples;
        this.devExamples = devExamples;
        this.metadata = metadata;
    }

    static FineTuning of(FineTuningBuilder parts) {
        LanguageModel model = parts.model;
        boolean chats = parts.train.stream().anyMatch(example -> example instanceof Example.Talk);
        ChatTemplate template = ExampleEncoder.needsTemplate(parts.train) || ExampleEncoder.needsTemplate(parts.dev) ? template(parts) : null;
        int room = model.sizes().positions() - (parts.tuning != null ? parts.tuning.method() : parts.method).positions();
        ExampleEncoder encoder = new ExampleEncoder(parts.tokenizer, room, parts.tooLong)
                .withTemplate(template).withLossOn(parts.lossOn);
        ExampleEncoder.Result examples = encoder.encode(parts.train, "train");
        if (examples.examples().isEmpty()) {
            throw new LoraException("none of the " + parts.train.size() + " examples fits the model's "
                    + room + " positions. Shorten them, or give `tooLong` truncate_context");
        }
        requireRows(model, examples.examples(), parts.tokenizer);
        LengthGroupedBatches<EncodedExample> data =
                new LengthGroupedBatches<>(examples.examples(), OBJECTIVE::length, parts.batchSize, parts.seed);
        ExampleEncoder.Result devExamples = encoder.encode(parts.dev, "dev");
        requireRows(model, devExamples.examples(), parts.tokenizer);
        List<Batch> dev = Batch.byLength(devExamples.examples(), EVALUATION_BATCH);
        String base = Fingerprint.of(model);
        Tuning tuning = parts.tuning != null ? parts.tuning : parts.method.attach(model, parts.seed);
        if (model.infix().length > 0) {
            try {
                requireOutputs(examples.examples());
            } catch (LoraException e) {
                if (parts.tuning == null) {
                    tuning.detach();
                }
                throw e;
            }
        }
        Map<String, String> recipe = new LinkedHashMap<>();
        // not the backend: a run may go on on another, whose numbers differ in the last places
        recipe.put("model", model.settings() + ", weights " + base);
        recipe.put("adapter", (tuning.saved() == Saved.ADAPTER ? "" : "none, by ") + tuning.settings());
        recipe.put("data", parts.train.size() + unit(parts.train) + Fingerprint.of(examples.examples()));
        recipe.put("dev", parts.dev.size() + unit(parts.dev) + Fingerprint.of(devExamples.examples()));
        recipe.put("batch", Integer.toString(parts.batchSize));
        recipe.put("data-seed", Long.toString(parts.seed));
        return new FineTuning(new Parts<>(model, tuning, parts.source, OBJECTIVE, parts.measure, data, dev), recipe, encoder,
                examples, devExamples, chats ? PromptFormat.CHAT.metadata(isOwn(parts, template) ? null : template.source())
                : arePairs(parts.train) ? PromptFormat.PAIR.metadata() : PromptFormat.PLAIN.metadata());
    }

    private static boolean arePairs(List<? extends Example> examples) {
        return examples.stream().allMatch(example -> example instanceof TextPair);
    }

    private static String unit(List<? extends Example> examples) {
        return arePairs(examples) ? " pairs, " : " examples, ";
    }

    /** That of the chats, or of fields, or what the model's files say. */
    private static ChatTemplate template(FineTuningBuilder parts) {
        return parts.template != null ? parts.template
                : parts.source != null ? ChatTemplate.forModel(parts.source, parts.tokenizer)
                : ChatTemplate.of("the standard form", ChatTemplate.STANDARD, null, parts.tokenizer);
    }

    /** Whether the base's files say this template. */
    private static boolean isOwn(FineTuningBuilder parts, ChatTemplate template) {
        return parts.source != null && ChatTemplate.in(parts.source, parts.tokenizer)
                .map(own -> own.source().equals(template.source())).orElse(false);
    }

    /** A job to be described. */
    public static FineTuningBuilder of(LanguageModel model, Tokenizer tokenizer) {
        return new FineTuningBuilder(model, tokenizer);
    }

    /** An infix stands once, between an input and an output, which every example needs. */
    private static void requireOutputs(List<EncodedExample> encoded) {
        for (int i = 0; i < encoded.size(); i++) {
            EncodedExample example = encoded.get(i);
            if (!example.endsLearned() || example.completionStart() == 1 && example.length() > 2) {
                throw new LoraException("`infixLength`: an infix stands between the input and the output of an example, and example "
                        + (i + 1) + (example.endsLearned() ? " is learnt from its beginning" : " has several outputs, as a chat of "
                        + "several turns has") + ". Give 0, or examples of one input and one output");
            }
        }
    }

    /** Before hours of training meet the token, rather than in the middle of them. */
    private static void requireRows(LanguageModel model, List<EncodedExample> encoded, Tokenizer tokenizer) {
        encoded.forEach(example -> tokenizer.requireRows(model.sizes().vocabulary(), example.tokens()));
    }

    /** By which they were encoded. */
    public ExampleEncoder encoder() {
        return encoder;
    }

    /** Whether there are chats, and neither the model's files nor the caller say how they are written. */
    public boolean takesStandardForm() {
        return PromptFormat.template(metadata).filter(ChatTemplate.STANDARD::equals).isPresent();
    }

    /** How the examples were encoded. */
    public ExampleEncoder.Result examples() {
        return examples;
    }

    /** How the dev examples were encoded. */
    public ExampleEncoder.Result devExamples() {
        return devExamples;
    }

    @Override
    public int examplesLearned() {
        return examples.examples().size();
    }

    @Override
    public int examplesMeasured() {
        return devExamples.examples().size();
    }

    @Override
    public List<String> remarks() {
        List<String> remarks = new ArrayList<>(examples.remarks("train"));
        remarks.addAll(devExamples.remarks("dev"));
        return remarks;
    }

    @Override
    Map<String, String> metadata() {
        return metadata;
    }

    /**
     * Some of the examples, drawn without repetition and left in their order.
     *
     * @param count how many; all where there are not more
     */
    public static <T> List<T> sample(List<T> pairs, int count, long seed) {
        if (count >= pairs.size()) {
            return pairs;
        }
        boolean[] chosen = new boolean[pairs.size()];
        int[] order = new Philox(seed).permutation(pairs.size(), 0, Philox.site("data.sample"));
        for (int i = 0; i < count; i++) {
            chosen[order[i]] = true;
        }
        List<T> sample = new ArrayList<>(count);
        for (int i = 0; i < chosen.length; i++) {
            if (chosen[i]) {
                sample.add(pairs.get(i));
            }
        }
        return sample;
    }
}
