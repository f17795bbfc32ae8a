package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.tensor.Tensor;

/**
 * Multi-head self-attention (Vaswani et al. 2017):
 *
 * <pre>
 *   q, k, v = maps(x)      (q, k) ← positioning(q, k), where there is one
 *   P = softmax(scale·q·kᵀ, what the position may not see hidden), for each head; distances may add to the scores
 *   y = (P·v)·W_oᵀ + b_o          x, y: (N, C)
 * </pre>
 *
 * <p>Backward goes through q, and through the keys and values of every position that q saw. The scores are never stored:
 * forward keeps the log of each row's sum and backward recomputes P from it.
 *
 * <p>In training a row's others are those of its sequence, in decoding those of its past: the {@link Context} knows which.
 */
public final class SelfAttention implements Layer {

    private final AttentionRule rule;
    private final AttentionMaps maps;
    private final Positioning positioning;
    private final Slot<Projection> output;
    private final KeyValuePlace keysAndValues;
    private final String heads;

    /**
     * Attention of these parts.
     *
     * @param output the map after the heads are put side by side
     */
    public SelfAttention(AttentionRule rule, AttentionMaps maps, Slot<Projection> output) {
        this(rule, maps, null, output);
    }

    private SelfAttention(AttentionRule rule, AttentionMaps maps, Positioning positioning, Slot<Projection> output) {
        this.rule = rule;
        this.maps = maps;
        this.positioning = positioning;
        this.output = output;
        heads = maps.slots().getFirst().beside("heads");
        keysAndValues = new KeyValuePlace(maps.slots().getFirst().beside("keys_values"), rule);
    }

    /** The same, whose queries and keys are told where they stand. */
    public SelfAttention withPositioning(Positioning positioning) {
        return new SelfAttention(rule, maps, positioning, output);
    }

    /**
     * y = output(attention(q, k, v)), with what backward needs kept in the workspace.
     *
     * @param x (N, C); read, and must stay as it is until backward where {@link #keepsInput()}
     * @param y (N, C), or of the {@link Context#behind rows behind} alone; written
     */
    public void forward(Tensor x, Tensor y, Context context, Workspace ws) {
        QueriesKeysValues in = maps.forward(x, asksApart() ? context.asking(x, ws) : x, ws);
        if (positioning != null) {
            positioning.forward(in, context, ws);
        }
        keysAndValues.forward(in, ws);
        Tensor mixed = mixed(y.rows(), ws);
        context.attend(rule, in, mixed, ws.training() ? logSumExp(y.rows(), ws) : null, ws);
        EvenPadding padding = ws.note(EvenPadding.class);
        if (padding != null) {
            padding.forward(in.v(), mixed, ws);
        }
        ws.show(heads, mixed);
        output.get().forward(mixed, y, ws);
        ws.show(output.name(), y);
    }

    /**
     * Adds up the gradients of what trains in the maps, and writes ∂L/∂x.
     *
     * @param dy ∂L/∂y, as forward's y; read
     * @param dx ∂L/∂x (N, C); written; null where nothing below needs it
     */
    public void backward(Tensor dy, Tensor dx, Sequences sequences, Workspace ws) {
        if (dx == null && !maps.trains() && keysAndValues.isEmpty()) {
            output.get().backward(dy, null, ws);
            return;
        }
        int rows = sequences.rows();
        int queries = asksApart() ? sequences.rowsBehind(rows) : rows;
        Tensor mixedGradient = ws.scratch("attention.dmixed", dy.rows(), rule.heads().width());
        output.get().backward(dy, mixedGradient, ws);
        ws.showGradient(heads, mixedGradient);
        QueriesKeysValues gradient = maps.gradients(rows, queries, ws);
        EvenPadding padding = ws.note(EvenPadding.class);
        Tensor ofTokens = padding == null ? mixedGradient : padding.tokens(mixedGradient, ws);
        sequences.attendBackward(
                rule, maps.made(rows, queries, ws), mixed(dy.rows(), ws), logSumExp(dy.rows(), ws), ofTokens, gradient, ws);
        if (padding != null) {
            padding.backward(mixedGradient, gradient.v(), ws);
        }
        keysAndValues.backward(gradient, ws);
        if (positioning != null) {
            positioning.backward(gradient, sequences, ws);
        }
        maps.backward(sequences, queries, dx, ws);
    }

    /** Whether rows that nobody reads behind attention have no queries: positioning wants those of all. */
    private boolean asksApart() {
        return positioning == null && maps.asksApart();
    }

    /** The heads' outputs side by side, which backward reads. */
    private Tensor mixed(int rows, Workspace ws) {
        return ws.activation(this, "mixed", rows, rule.heads().width());
    }

    private Tensor logSumExp(int rows, Workspace ws) {
        return ws.tensor(this, "lse", rows, rule.heads().count());
    }

    /** Whether anything in here trains, or what the queries and keys share with other blocks does. */
    @Override
    public boolean trains() {
        return maps.trains() || output.trains() || keysAndValues.trains();
    }

    /** Whether backward reads the forward's input. */
    public boolean keepsInput() {
        return maps.keepsInput();
    }

    /** Heads, scale, sight and dropout. */
    public AttentionRule rule() {
        return rule;
    }

    /** The map after the heads are put side by side. */
    public Slot<Projection> output() {
        return output;
    }

    /** Where a method can replace keys and values. */
    public KeyValuePlace keysAndValues() {
        return keysAndValues;
    }

    /** Its linear maps: those that make q, k and v, then the output's. */
    public List<Slot<Projection>> slots() {
        List<Slot<Projection>> slots = new ArrayList<>(maps.slots());
        slots.add(output);
        return slots;
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(maps.parameters());
        parameters.addAll(output.parameters());
        parameters.addAll(keysAndValues.parameters());
        return parameters;
    }
}
