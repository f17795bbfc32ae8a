package org.lora4j.family;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.LabelledBatch;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.ClassificationHead;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.LabelLoss;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterMix;

/** A body of any family with a head that classifies sequences: z = head(c), where c has a row for each sequence. */
public final class BodyClassifier implements SequenceClassifier {

    private final ModelConfig config;
    private final Backend backend;
    private final SequenceBody body;
    private final ClassificationHead head;
    private final Labels labels;
    private final OptionalInt padding;
    private final Map<String, Object> fields;
    private final long parameterCount;
    private final boolean newHead;
    private final List<String> newModules;

    /**
     * @param config  the body's
     * @param padding the token that fills up, if the model has one
     * @param fields  what {@code config.json} has to say beside the body's sizes and the labels
     */
    public BodyClassifier(ModelConfig config, Backend backend, SequenceBody body, ClassificationHead head, Labels labels,
            OptionalInt padding, Map<String, Object> fields) {
        this(config, backend, body, head, labels, padding, fields, false, List.of());
    }

    private BodyClassifier(ModelConfig config, Backend backend, SequenceBody body, ClassificationHead head, Labels labels,
            OptionalInt padding, Map<String, Object> fields, boolean newHead, List<String> newModules) {
        if (head.labels() != labels.count()) {
            throw new IllegalArgumentException("a head with " + head.labels() + " scores for " + labels.text());
        }
        this.config = config;
        this.backend = backend;
        this.body = body;
        this.head = head;
        this.labels = labels;
        this.padding = padding;
        this.fields = Map.copyOf(fields);
        this.newHead = newHead;
        this.newModules = List.copyOf(newModules);
        parameterCount = parameters().stream().mapToLong(Parameter::size).sum();
    }

    /** The same, told whether the head was in the model's files. */
    public BodyClassifier withHead(boolean present) {
        return withHead(present, List.of());
    }

    /** The same, and which modules before it were not. */
    public BodyClassifier withHead(boolean present, List<String> absent) {
        return new BodyClassifier(config, backend, body, head, labels, padding, fields, !present, absent);
    }

    @Override
    public List<String> newModules() {
        return newModules;
    }

    @Override
    public boolean hasNewHead() {
        return newHead;
    }

    // ------------------------------------------------------------------------------------------------ passes

    @Override
    public Tensor scores(LabelledBatch batch, Workspace ws) {
        AdapterMix.check(ws, batch.size(), true);
        return forward(batch, 0, ws).scores;
    }

    @Override
    public double loss(LabelledBatch batch, double labelSmoothing, Workspace ws) {
        AdapterMix.check(ws, batch.size(), false);
        double[] wanted = wanted(batch);
        Tensor scores = forward(batch, 0, ws).scores;
        return labels.regression() ? LabelLoss.ofNumbers(scores, wanted, ws)
                : LabelLoss.ofClasses(scores, wanted, labelSmoothing, ws);
    }

    @Override
    public double lossAndGradients(LabelledBatch batch, double weight, double labelSmoothing, long step, Workspace ws) {
        AdapterMix.check(ws, batch.size(), false);
        double[] wanted = wanted(batch);
        Made made = forward(batch, step, ws);
        Tensor dz = made.scores;
        double loss = labels.regression() ? LabelLoss.ofNumbersWithGradient(dz, wanted, weight, ws)
                : LabelLoss.ofClassesWithGradient(dz, wanted, labelSmoothing, weight, ws);
        Tensor c = made.representation.rows();
        Tensor dc = body.trains() ? ws.block(this, "dc", c.rows(), c.columns()) : null;
        head.backward(dz, dc, ws);
        if (dc != null) {
            body.backward(dc, made.representation, ws);
        }
        return loss;
    }

    private record Made(Representation representation, Tensor scores) {
    }

    private Made forward(LabelledBatch batch, long step, Workspace ws) {
        ws.begin((long) batch.size() * (batch.sequences().length() + prefixLength()), step);
        Representation made = body.forward(batch.sequences(), ws);
        return new Made(made, head.forward(made.rows(), ws));
    }

    private int prefixLength() {
        return body.embeddings().stream().mapToInt(slot -> slot.get().prefix().length).sum();
    }

    /** The labels, which must be the model's. */
    private double[] wanted(LabelledBatch batch) {
        double[] wanted = batch.labels();
        if (wanted == null) {
            throw new LoraException("the batch has no labels, and without them there is no loss");
        }
        for (double label : wanted) {
            boolean right = labels.regression() ? Double.isFinite(label)
                    : label == Math.rint(label) && label >= 0 && label < labels.count();
            if (!right) {
                throw new LoraException("label " + Names.number(label) + ": expected " + (labels.regression() ? "a finite number"
                        : "the number of a class, 0 to " + (labels.count() - 1)));
            }
        }
        return wanted;
    }

    // ------------------------------------------------------------------------------------------------ parts

    /** The body's configuration. */
    public ModelConfig config() {
        return config;
    }

    @Override
    public Labels answers() {
        return labels;
    }

    /** What {@code config.json} says of this model beside the body's sizes: the labels, the padding's token, dropout. */
    public Map<String, Object> fields() {
        Map<String, Object> all = new TreeMap<>(fields);
        padding.ifPresent(id -> all.put("pad_token_id", id));
        ClassifierFields.put(labels, all);
        return all;
    }

    @Override
    public int paddingId() {
        return padding.orElse(Batch.PADDING);
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public ModelSizes sizes() {
        return config.sizes();
    }

    @Override
    public ModelNames names() {
        return config.names();
    }

    @Override
    public List<Slot<Projection>> projections() {
        List<Slot<Projection>> slots = new ArrayList<>(body.projections());
        slots.addAll(head.slots());
        return slots;
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return body.embeddings();
    }

    @Override
    public List<Place> places() {
        return body.places();
    }

    @Override
    public List<KeyValuePlace> keyValuePlaces() {
        return body.keyValuePlaces();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(body.parameters());
        parameters.addAll(head.parameters());
        return parameters;
    }

    @Override
    public long parameterCount() {
        return parameterCount;
    }

    @Override
    public boolean isTied() {
        return false;
    }

    @Override
    public String description() {
        return "this " + names().title();
    }

    @Override
    public String settings() {
        return config + ", " + labels.text() + ", padding " + (padding.isPresent() ? padding.getAsInt() : "none");
    }
}
