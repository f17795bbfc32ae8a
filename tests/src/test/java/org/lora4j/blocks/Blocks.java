package org.lora4j.blocks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.lora4j.backend.Backend;
import org.lora4j.model.Model;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.AttentionMaps;
import org.lora4j.nn.AttentionRule;
import org.lora4j.nn.Block;
import org.lora4j.nn.Context;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.FusedMaps;
import org.lora4j.nn.FusedPart;
import org.lora4j.nn.GatedPerceptron;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
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
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * Blocks of one form, one after the other, on two sequences of five positions of which the second has padding; their "loss"
 * is ⟨y, w⟩ with random w. Separate maps hold the rows of what would be the fused one.
 */
final class Blocks implements Model {

    static final int BATCH = 2;
    static final int LENGTH = 5;
    static final int ROWS = BATCH * LENGTH;

    private final Form form;
    private final Backend backend;
    private final List<Block> blocks = new ArrayList<>();
    private final IntTensor mask;
    private final IntTensor positions;
    final Parameter input;
    final Tensor w;

    Blocks(Form form, int count, Backend backend) {
        this.form = form;
        this.backend = backend;
        for (int n = 0; n < count; n++) {
            blocks.add(block("h." + n, n));
        }
        input = parameter("input", 1, ROWS, Form.WIDTH);
        w = parameter("w", 1, ROWS, Form.WIDTH).value();
        mask = ints(new int[] {1, 1, 1, 1, 1, 1, 1, 1, 0, 0}, BATCH, LENGTH);
        positions = ints(new int[] {0, 1, 2, 3, 4, 0, 1, 2, 3, 4}, ROWS);
    }

    private Block block(String name, int number) {
        AttentionRule rule = AttentionRule.causal(number, form.heads())
                .withSight(form.sight()).withDropout(dropout(name + ".attn.dropout"));
        SelfAttention attention = new SelfAttention(
                rule, maps(name, number), slot(name + ".attn.o", Role.ATTENTION_OUTPUT, number, Form.WIDTH, form.heads().width()));
        if (form.rotary()) {
            attention = attention.withPositioning(new Rotary(backend, form.heads()));
        }
        Slot<Projection> up = slot(name + ".mlp.up", Role.UP, number, Form.INNER, Form.WIDTH);
        Slot<Projection> down = slot(name + ".mlp.down", Role.DOWN, number, Form.WIDTH, Form.INNER);
        FeedForward mlp = form.gated()
                ? new GatedPerceptron(slot(name + ".mlp.gate", Role.GATE, number, Form.INNER, Form.WIDTH), up, down, form.activation())
                : new Perceptron(up, down, form.activation());
        Sublayer<SelfAttention> first = new Sublayer<>(attention, norm(name + ".norm1"), dropout(name + ".attn.branch"));
        Sublayer<FeedForward> second = new Sublayer<>(mlp, norm(name + ".norm2"), dropout(name + ".mlp.branch"));
        return form.preNorm() ? Block.preNorm(name, first, second) : Block.postNorm(name, first, second);
    }

    /** The fused weight's rows are those of q, k and v one below the other. */
    private AttentionMaps maps(String name, int number) {
        int width = form.heads().width();
        int keyWidth = form.heads().keyWidth();
        int out = width + 2 * keyWidth;
        double[] weight = numbers(name + ".attn.qkv.weight", 0.4, out * Form.WIDTH);
        double[] bias = numbers(name + ".attn.qkv.bias", 0.4, out);
        if (form.fused()) {
            return new FusedMaps(part(name + ".attn.qkv", Role.QUERY_KEY_VALUE, number, weight, bias, 0, out), form.heads());
        }
        return new SeparateMaps(
                part(name + ".attn.q", Role.QUERY, number, weight, bias, 0, width),
                part(name + ".attn.k", Role.KEY, number, weight, bias, width, keyWidth),
                part(name + ".attn.v", Role.VALUE, number, weight, bias, width + keyWidth, keyWidth), form.heads());
    }

    private Slot<Projection> part(String name, Role role, int number, double[] weight, double[] bias, int from, int count) {
        Linear linear = new Linear(
                of(name + ".weight", Arrays.copyOfRange(weight, from * Form.WIDTH, (from + count) * Form.WIDTH), count, Form.WIDTH),
                of(name + ".bias", Arrays.copyOfRange(bias, from, from + count), count));
        return new Slot<>(name, role, number, role != Role.QUERY_KEY_VALUE ? List.of() : FusedPart.of(List.of("q", "k", "v"),
                List.of(form.heads().width(), form.heads().keyWidth(), form.heads().keyWidth())), linear);
    }

    private Slot<Projection> slot(String name, Role role, int number, int out, int in) {
        return new Slot<>(name, role, number, List.of(),
                new Linear(parameter(name + ".weight", 0.4, out, in), parameter(name + ".bias", 0.4, out)));
    }

    private Normalisation norm(String name) {
        Parameter gamma = parameter(name + ".weight", 0.7, Form.WIDTH);
        return switch (form.norm()) {
            case LAYER -> Normalisation.layer(gamma, parameter(name + ".bias", 0.4, Form.WIDTH), 1e-5);
            case RMS -> Normalisation.rms(gamma, 1e-5);
            case RMS_ONE_PLUS -> Normalisation.rmsOnePlus(gamma, 1e-5);
        };
    }

    private Dropout dropout(String name) {
        return new Dropout(form.dropout(), Philox.site(name));
    }

    Parameter parameter(String name, double deviation, int... extents) {
        return of(name, numbers(name, deviation, (int) Shape.of(extents).size()), extents);
    }

    private Parameter of(String name, double[] values, int... extents) {
        Tensor value = backend.allocate(Shape.of(extents));
        backend.upload(values, value);
        return new Parameter(name, backend, value);
    }

    /** Random numbers that a float holds. */
    private static double[] numbers(String name, double deviation, int count) {
        float[] values = new float[count];
        new Philox(20210617).fillNormal(values, deviation, 0, Philox.site(name));
        double[] doubles = new double[count];
        Arrays.setAll(doubles, i -> values[i]);
        return doubles;
    }

    private IntTensor ints(int[] values, int... extents) {
        IntTensor tensor = backend.allocateInts(Shape.of(extents));
        backend.upload(values, 0, tensor, values.length);
        return tensor;
    }

    // ------------------------------------------------------------------------------------------------ passes

    Sequences sequences() {
        return new Sequences(BATCH, LENGTH, mask, positions);
    }

    /** All that the blocks give for rows x. */
    Tensor forward(Tensor x, Context context, Workspace ws) {
        Tensor y = x;
        for (Block block : blocks) {
            y = block.forward(y, context, ws);
        }
        return y;
    }

    /** ⟨y, w⟩. */
    double loss(Workspace ws) {
        ws.begin(ROWS, 3);
        double[] y = backend.readDoubles(forward(input.value(), sequences(), ws));
        double[] weights = backend.readDoubles(w);
        double sum = 0;
        for (int i = 0; i < y.length; i++) {
            sum += y[i] * weights[i];
        }
        return sum;
    }

    /** Its gradients, those of nothing below the lowest block that trains. */
    void gradients(Workspace ws) {
        parameters().forEach(Parameter::clearGradient);
        loss(ws);
        Tensor g = ws.scratch("g", ROWS, Form.WIDTH);
        backend.copy(w.matrix(), g.matrix());
        boolean below = input.isTrainable();
        int lowest = 0;
        while (!below && lowest < blocks.size() && !blocks.get(lowest).trains()) {
            lowest++;
        }
        for (int n = blocks.size() - 1; n >= lowest; n--) {
            blocks.get(n).backward(g, n > lowest || below, sequences(), ws);
        }
        if (below) {
            backend.add(g, input.gradient());
        }
    }

    /** Sets these parameters training and nothing else. */
    Blocks training(List<Parameter> parameters) {
        parameters().forEach(Parameter::freeze);
        parameters.forEach(Parameter::train);
        return this;
    }

    Blocks each(Consumer<Place> place) {
        places().forEach(place);
        return this;
    }

    // ------------------------------------------------------------------------------------------------ the model

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public ModelSizes sizes() {
        return new ModelSizes(2, 9, Form.WIDTH, blocks.size(), 2, Form.INNER, form.heads().keyWidth());
    }

    @Override
    public ModelNames names() {
        return ModelNames.ofType("gpt2").orElseThrow();
    }

    @Override
    public List<Slot<Projection>> projections() {
        return blocks.stream().flatMap(block -> block.slots().stream()).toList();
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return List.of();
    }

    @Override
    public List<Place> places() {
        return blocks.stream().flatMap(block -> block.places().stream()).toList();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        blocks.forEach(block -> parameters.addAll(block.parameters()));
        parameters.add(input);
        return Collections.unmodifiableList(parameters);
    }

    @Override
    public long parameterCount() {
        return parameters().stream().mapToLong(Parameter::size).sum();
    }

    @Override
    public boolean isTied() {
        return false;
    }

    @Override
    public String description() {
        return "these blocks";
    }

    @Override
    public String settings() {
        return form.toString();
    }
}
