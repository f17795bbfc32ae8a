package org.lora4j.toy;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.family.LanguageModel;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.LanguageModelHead;
import org.lora4j.nn.LayerNorm;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Past;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterMix;

/** A causal Transformer without positions: x₀ = words[id], xᵢ₊₁ = stageᵢ(xᵢ), logits = norm(x)·answerᵀ. */
final class Toy implements LanguageModel {

    private static final double EPSILON = 1e-5;

    /** Pre-norm attention and perceptron. */
    private record Stage(LayerNorm norm1, ToyAttention attention, LayerNorm norm2, FeedForward mlp) {
    }

    private final ToyConfig config;
    private final Backend backend;
    private final Slot<TokenEmbedding> words;
    private final List<Stage> stages = new ArrayList<>();
    private final LayerNorm norm;
    private final LanguageModelHead head;

    Toy(ToyConfig config, Backend backend, Function<String, Parameter> parameter) {
        this.config = config;
        this.backend = backend;
        words = new Slot<>(ToyNames.WORDS, Role.TOKENS, new Embedding(parameter.apply("body.words.weight")));
        for (int i = 0; i < config.stages(); i++) {
            String name = "body.stage." + i + ".";
            int stage = i;
            LayerNorm norm1 = norm(name + "norm1", parameter);
            ToyAttention attention = new ToyAttention(stage, config.heads(), slot(name + "look.ask", Role.QUERY, stage, parameter),
                    slot(name + "look.key", Role.KEY, stage, parameter), slot(name + "look.say", Role.VALUE, stage, parameter),
                    slot(name + "look.mix", Role.ATTENTION_OUTPUT, stage, parameter));
            LayerNorm norm2 = norm(name + "norm2", parameter);
            stages.add(new Stage(norm1, attention, norm2, new FeedForward(slot(name + "think.grow", Role.UP, stage, parameter),
                    slot(name + "think.shrink", Role.DOWN, stage, parameter), Activation.RELU)));
        }
        norm = norm("body.norm", parameter);
        head = new LanguageModelHead(new Slot<>(
                ToyNames.ANSWER, Role.LANGUAGE_HEAD, new Linear(parameter.apply("answer.weight"), null)));
    }

    private static LayerNorm norm(String name, Function<String, Parameter> parameter) {
        return new LayerNorm(parameter.apply(name + ".weight"), parameter.apply(name + ".bias"), EPSILON);
    }

    private static Slot<Projection> slot(String name, Role role, int stage, Function<String, Parameter> parameter) {
        return new Slot<>(name, role, stage, List.of(),
                new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
    }

    // ------------------------------------------------------------------------------------------------ passes

    /** How a stage's attention is done: over a batch, or behind a past. */
    private interface Attending {
        void attend(ToyAttention attention, Tensor x, Tensor y);
    }

    private Tensor hidden(int[] ids, Attending attending, Workspace ws) {
        Tensor x = ws.tensor(this, "x0", ids.length, config.width());
        words.get().forward(upload("ids", ids, ws), x, 0, ws);
        for (Stage stage : stages) {
            Tensor n1 = like(x, stage, "n1", ws);
            Tensor x1 = like(x, stage, "x1", ws);
            stage.norm1.forward(x, n1, ws);
            attending.attend(stage.attention, n1, x1);
            backend.add(x, x1);
            Tensor n2 = like(x, stage, "n2", ws);
            Tensor x2 = like(x, stage, "x2", ws);
            stage.norm2.forward(x1, n2, ws);
            stage.mlp.forward(n2, x2, ws);
            backend.add(x1, x2);
            x = x2;
        }
        Tensor h = like(x, this, "h", ws);
        norm.forward(x, h, ws);
        return h;
    }

    private static Tensor like(Tensor x, Object owner, String name, Workspace ws) {
        return ws.tensor(owner, name, x.rows(), x.columns());
    }

    private Tensor hidden(Batch batch, Sequences sequences, Workspace ws) {
        return hidden(batch.inputIds(), (attention, x, y) -> attention.forward(x, y, sequences, ws), ws);
    }

    private void backward(Tensor dh, Sequences sequences, Workspace ws) {
        Tensor g = ws.scratch("g", dh.rows(), dh.columns());
        Tensor dn = ws.scratch("dn", dh.rows(), dh.columns());
        backend.fill(g, 0);
        norm.backward(dh, g, ws);
        for (Stage stage : stages.reversed()) {
            stage.mlp.backward(g, dn, ws);
            stage.norm2.backward(dn, g, ws);
            stage.attention.backward(g, dn, sequences, ws);
            stage.norm1.backward(dn, g, ws);
        }
        words.get().backward(ws.ints(this, "ids", g.rows()), g, ws);
    }

    private Sequences sequences(Batch batch, Workspace ws) {
        return new Sequences(batch.size(), batch.length(), batch.attentionMask() == null ? null
                : upload("mask", batch.attentionMask(), ws).as(Shape.of(batch.size(), batch.length())));
    }

    private IntTensor upload(String name, int[] values, Workspace ws) {
        IntTensor tensor = ws.ints(this, name, values.length);
        backend.upload(values, 0, tensor, values.length);
        return tensor;
    }

    @Override
    public Tensor logits(Batch batch, Workspace ws) {
        ws.begin(batch.inputIds().length, 0);
        Tensor h = hidden(batch, sequences(batch, ws), ws);
        Tensor logits = ws.tensor(this, "logits", h.rows(), config.vocabulary());
        head.logits(h, logits, ws);
        return logits;
    }

    @Override
    public double loss(Batch batch, double labelSmoothing, Workspace ws) {
        ws.begin(batch.inputIds().length, 0);
        Tensor h = hidden(batch, sequences(batch, ws), ws);
        int[][] targets = targets(batch);
        return head.loss(gathered(h, targets, ws), targets[1], labelSmoothing, ws);
    }

    @Override
    public double lossAndGradients(Batch batch, double weight, double labelSmoothing, long step, Workspace ws) {
        ws.begin(batch.inputIds().length, step);
        Sequences sequences = sequences(batch, ws);
        Tensor h = hidden(batch, sequences, ws);
        int[][] targets = targets(batch);
        Tensor found = gathered(h, targets, ws);
        Tensor dTargets = like(h, this, "dTargets", ws).as(found.shape());
        double loss = head.lossAndGradient(found, targets[1], labelSmoothing, weight, dTargets, ws);
        Tensor dh = ws.scratch("dh", h.rows(), h.columns());
        backend.fill(dh, 0);
        backend.scatterAddRows(dTargets, ws.ints(this, "rows", h.rows()).as(Shape.of(targets[1].length)), dh);
        backward(dh, sequences, ws);
        return loss;
    }

    private Tensor gathered(Tensor h, int[][] targets, Workspace ws) {
        IntTensor rows = ws.ints(this, "rows", h.rows()).as(Shape.of(targets[0].length));
        backend.upload(targets[0], 0, rows, targets[0].length);
        Tensor found = like(h, this, "targets", ws).as(Shape.of(targets[0].length, h.columns()));
        backend.gatherRows(h, rows, found, 0);
        return found;
    }

    /** The rows that have a successor to predict, and that. */
    private static int[][] targets(Batch batch) {
        int[] rows = new int[batch.targets()];
        int[] ids = new int[batch.targets()];
        int found = 0;
        for (int row = 0; row + 1 < batch.inputIds().length; row++) {
            int label = batch.labels()[row + 1];
            if ((row + 1) % batch.length() != 0 && label != Batch.IGNORED) {
                rows[found] = row;
                ids[found++] = label;
            }
        }
        return new int[][] {rows, ids};
    }

    @Override
    public Tensor next(int[] ids, int[] positions, Past past, int[] wanted, Workspace ws) {
        AdapterMix.check(ws);
        Tensor h = hidden(ids, (attention, x, y) -> attention.forward(x, y, past, ws), ws);
        if (wanted != null) {
            Tensor last = ws.block(this, "last", wanted.length, config.width());
            backend.gatherRows(h, upload("wanted", wanted, ws), last, 0);
            h = last;
        }
        Tensor logits = ws.block(this, "nextLogits", h.rows(), config.vocabulary());
        head.logits(h, logits, ws);
        return logits;
    }

    // ------------------------------------------------------------------------------------------------ parts

    ToyConfig config() {
        return config;
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
        return ToyFamily.NAMES;
    }

    @Override
    public List<Slot<Projection>> projections() {
        List<Slot<Projection>> slots = new ArrayList<>();
        for (Stage stage : stages) {
            slots.addAll(stage.attention.slots());
            slots.add(stage.mlp.up());
            slots.add(stage.mlp.down());
        }
        slots.add(head.projection());
        return slots;
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return List.of(words);
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(words.parameters());
        for (Stage stage : stages) {
            parameters.addAll(stage.norm1.parameters());
            parameters.addAll(stage.attention.parameters());
            parameters.addAll(stage.norm2.parameters());
            parameters.addAll(stage.mlp.parameters());
        }
        parameters.addAll(norm.parameters());
        parameters.addAll(head.parameters());
        return parameters;
    }

    @Override
    public long parameterCount() {
        return config.parameterCount();
    }

    @Override
    public boolean isTied() {
        return false;
    }

    @Override
    public String description() {
        return "this Toy";
    }

    @Override
    public String settings() {
        return config.toString();
    }
}
