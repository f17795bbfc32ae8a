package org.lora4j.toy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.lora4j.backend.Activation;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.NextTokens;
import org.lora4j.family.LanguageModel;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.AttentionRule;
import org.lora4j.nn.Block;
import org.lora4j.nn.Context;
import org.lora4j.nn.Continuation;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.LanguageModelHead;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Past;
import org.lora4j.nn.Perceptron;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Role;
import org.lora4j.nn.SelfAttention;
import org.lora4j.nn.SeparateMaps;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Sublayer;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterMix;

/** A causal Transformer without positions: x₀ = words[id], xᵢ₊₁ = stageᵢ(xᵢ), logits = norm(x)·answerᵀ. */
final class Toy implements LanguageModel {

    private static final double EPSILON = 1e-5;

    private final ToyConfig config;
    private final Backend backend;
    private final Slot<TokenEmbedding> words;
    private final List<Block> stages = new ArrayList<>();
    private final Normalisation norm;
    private final LanguageModelHead head;

    Toy(ToyConfig config, Backend backend, Function<String, Parameter> parameter) {
        this.config = config;
        this.backend = backend;
        words = new Slot<>(ToyNames.WORDS, Role.TOKENS, new Embedding(parameter.apply("body.words.weight")));
        for (int i = 0; i < config.stages(); i++) {
            stages.add(stage(i, parameter));
        }
        norm = norm("body.norm", parameter);
        head = new LanguageModelHead(new Slot<>(
                ToyNames.ANSWER, Role.LANGUAGE_HEAD, new Linear(parameter.apply("answer.weight"), null)));
    }

    private Block stage(int stage, Function<String, Parameter> parameter) {
        String name = "body.stage." + stage;
        AttentionHeads heads = AttentionHeads.of(
                config.heads(), config.width() / config.heads(), 1 / Math.sqrt(config.width() / config.heads()));
        SelfAttention look = new SelfAttention(AttentionRule.causal(stage, heads),
                new SeparateMaps(slot(name + ".look.ask", Role.QUERY, stage, parameter),
                        slot(name + ".look.key", Role.KEY, stage, parameter),
                        slot(name + ".look.say", Role.VALUE, stage, parameter), heads),
                slot(name + ".look.mix", Role.ATTENTION_OUTPUT, stage, parameter));
        FeedForward think = new Perceptron(slot(name + ".think.grow", Role.UP, stage, parameter),
                slot(name + ".think.shrink", Role.DOWN, stage, parameter), Activation.RELU);
        return Block.preNorm(name, new Sublayer<>(look, norm(name + ".norm1", parameter), Dropout.NONE),
                new Sublayer<>(think, norm(name + ".norm2", parameter), Dropout.NONE));
    }

    private static Normalisation norm(String name, Function<String, Parameter> parameter) {
        return Normalisation.layer(parameter.apply(name + ".weight"), parameter.apply(name + ".bias"), EPSILON);
    }

    private static Slot<Projection> slot(String name, Role role, int stage, Function<String, Parameter> parameter) {
        return new Slot<>(name, role, stage, List.of(),
                new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
    }

    // ------------------------------------------------------------------------------------------------ passes

    private Tensor hidden(int[] ids, Context context, Workspace ws) {
        Tensor x = ws.tensor(this, "x0", ids.length, config.width());
        words.get().forward(upload("ids", ids, ws), x, 0, ws);
        for (Block stage : stages) {
            x = stage.forward(x, context, ws);
        }
        Tensor h = like(x, this, "h", ws);
        norm.forward(x, h, ws);
        return h;
    }

    private static Tensor like(Tensor x, Object owner, String name, Workspace ws) {
        return ws.tensor(owner, name, x.rows(), x.columns());
    }

    private void backward(Tensor dh, Sequences sequences, Workspace ws) {
        Tensor g = ws.scratch("g", dh.rows(), dh.columns());
        backend.fill(g, 0);
        norm.backward(dh, g, ws);
        for (Block stage : stages.reversed()) {
            stage.backward(g, true, sequences, ws);
        }
        words.get().backward(ws.ints(this, "ids", g.rows()), g, ws);
    }

    private Sequences sequences(Batch batch, Workspace ws) {
        IntTensor mask = batch.attentionMask() == null ? null
                : upload("mask", batch.attentionMask(), ws).as(Shape.of(batch.size(), batch.length()));
        int[] places = new int[batch.inputIds().length];
        Arrays.setAll(places, row -> row % batch.length());
        return new Sequences(batch.size(), batch.length(), mask, upload("places", places, ws));
    }

    private IntTensor upload(String name, int[] values, Workspace ws) {
        IntTensor tensor = ws.ints(this, name, values.length);
        backend.upload(values, 0, tensor, values.length);
        return tensor;
    }

    @Override
    public Tensor logits(Batch batch, Workspace ws) {
        ws.begin(batch.inputIds().length, 0);
        Tensor h = hidden(batch.inputIds(), sequences(batch, ws), ws);
        Tensor logits = ws.tensor(this, "logits", h.rows(), config.vocabulary());
        head.logits(h, logits, ws);
        return logits;
    }

    @Override
    public double loss(Batch batch, double labelSmoothing, Workspace ws) {
        ws.begin(batch.inputIds().length, 0);
        Tensor h = hidden(batch.inputIds(), sequences(batch, ws), ws);
        NextTokens targets = NextTokens.of(batch);
        return head.loss(gathered(h, targets, ws), targets.ids(), labelSmoothing, ws);
    }

    @Override
    public double lossAndGradients(Batch batch, double weight, double labelSmoothing, long step, Workspace ws) {
        ws.begin(batch.inputIds().length, step);
        Sequences sequences = sequences(batch, ws);
        Tensor h = hidden(batch.inputIds(), sequences, ws);
        NextTokens targets = NextTokens.of(batch);
        Tensor found = gathered(h, targets, ws);
        Tensor dTargets = like(h, this, "dTargets", ws).as(found.shape());
        double loss = head.lossAndGradient(found, targets.ids(), labelSmoothing, weight, dTargets, ws);
        Tensor dh = ws.scratch("dh", h.rows(), h.columns());
        backend.fill(dh, 0);
        backend.scatterAddRows(dTargets, ws.ints(this, "rows", h.rows()).as(Shape.of(targets.ids().length)), dh);
        backward(dh, sequences, ws);
        return loss;
    }

    private Tensor gathered(Tensor h, NextTokens targets, Workspace ws) {
        IntTensor rows = ws.ints(this, "rows", h.rows()).as(Shape.of(targets.rows().length));
        backend.upload(targets.rows(), 0, rows, targets.rows().length);
        Tensor found = like(h, this, "targets", ws).as(Shape.of(targets.rows().length, h.columns()));
        backend.gatherRows(h, rows, found, 0);
        return found;
    }

    @Override
    public Tensor next(int[] ids, int[] positions, Past past, int[] wanted, Workspace ws) {
        AdapterMix.check(ws);
        Tensor h = hidden(ids, new Continuation(upload("places", positions, ws), past), ws);
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
        stages.forEach(stage -> slots.addAll(stage.slots()));
        slots.add(head.projection());
        return slots;
    }

    @Override
    public List<Place> places() {
        return stages.stream().flatMap(stage -> stage.places().stream()).toList();
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return List.of(words);
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(words.parameters());
        stages.forEach(stage -> parameters.addAll(stage.parameters()));
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
