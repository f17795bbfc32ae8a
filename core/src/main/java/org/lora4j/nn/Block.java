package org.lora4j.nn;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.tensor.Tensor;

/**
 * A Transformer's block: attention and a feed-forward network, each on a branch that is added to the stream. There are two
 * forms, {@link #preNorm} and {@link #postNorm}, and in both three {@link Place}s that are empty in the base: on either
 * branch before its sum, and behind the block.
 *
 * <p>Where activations are recomputed, only the block's input is kept of its forward, see {@link Workspace#recomputing}.
 */
public abstract sealed class Block implements Layer permits PreNormBlock, PostNormBlock {

    private final Place attentionPlace;
    private final Place feedForwardPlace;
    private final Place after;
    private final int number;
    private boolean sharesOutput;
    final Sublayer<SelfAttention> attention;
    final Sublayer<FeedForward> feedForward;
    final BranchSum attentionSum;
    final BranchSum feedForwardSum;

    Block(String name, Sublayer<SelfAttention> attention, Sublayer<FeedForward> feedForward) {
        number = attention.layer().rule().block();
        Slot<?> attentionOutput = attention.layer().output();
        Slot<?> feedForwardOutput = feedForward.layer().slots().getLast();
        this.attention = attention;
        this.feedForward = feedForward;
        attentionPlace = new Place(attentionOutput.beside("branch"), number, Place.Where.ATTENTION_BRANCH);
        feedForwardPlace = new Place(feedForwardOutput.beside("branch"), number, Place.Where.FEED_FORWARD_BRANCH);
        after = new Place(name + ".after", number, Place.Where.AFTER_BLOCK);
        attentionSum = new BranchSum(attentionOutput.beside("residual"), attention.dropout(), attentionPlace);
        feedForwardSum = new BranchSum(feedForwardOutput.beside("residual"), feedForward.dropout(), feedForwardPlace);
    }

    /**
     * Norms before the branches, as in GPT-2 and Llama:
     *
     * <pre>
     *   x₁ = x + dropout(attention(norm₁(x)))
     *   x₂ = x₁ + dropout(feedForward(norm₂(x₁)))          all (N, C)
     * </pre>
     *
     * and, where a half has a norm behind its layer too, as in Gemma 2 and 3, that norm of what the layer gives.
     *
     * @param name as Hugging Face writes it, such as {@code transformer.h.0}
     */
    public static Block preNorm(String name, Sublayer<SelfAttention> attention, Sublayer<FeedForward> feedForward) {
        return new PreNormBlock(name, attention, feedForward);
    }

    /**
     * Norms behind the sums, as in BERT and the first Transformer:
     *
     * <pre>
     *   x₁ = norm₁(x + dropout(attention(x)))
     *   x₂ = norm₂(x₁ + dropout(feedForward(x₁)))          all (N, C)
     * </pre>
     */
    public static Block postNorm(String name, Sublayer<SelfAttention> attention, Sublayer<FeedForward> feedForward) {
        return new PostNormBlock(name, attention, feedForward);
    }

    /**
     * The same block, told that its output may lie in memory that every second block shares: whoever stacks blocks calls
     * {@link #makeAgain} before the next one's backward. Only a norm behind the sums can make its output again.
     */
    public final Block sharingOutput() {
        sharesOutput = this instanceof PostNormBlock;
        return this;
    }

    private boolean sharesOutput(Workspace ws) {
        return sharesOutput && !ws.recomputes() && after.isEmpty();
    }

    /** What forward gave lies where it lay, whatever has been there meanwhile. */
    public final void makeAgain(Workspace ws) {
        if (sharesOutput(ws)) {
            Tensor x = ws.keptInput(this);
            again(output(x, x.rows(), ws), ws);
        }
    }

    /** The next block's input, so never memory that it asks for itself. */
    private Tensor output(Tensor x, int rows, Workspace ws) {
        return sharesOutput(ws) ? ws.scratch(number % 2 == 0 ? "block.even" : "block.odd", rows, x.columns())
                : ws.tensor(this, "y", rows, x.columns());
    }

    /**
     * Whether it can compute some rows alone, see {@link ReadRows}: what a method has put into its places may want all rows,
     * and so does whoever watches the pass.
     */
    public final boolean canChooseRows(Workspace ws) {
        return !ws.watched() && places().stream().allMatch(Place::isEmpty) && ws.note(EvenPadding.class) == null;
    }

    /** What its attention may see. */
    public final AttentionRule rule() {
        return attention.layer().rule();
    }

    /**
     * @param x (N, C); read, and must stay as it is until backward
     * @return (N, C), or of the {@link Context#behind rows behind} alone; in memory of this block unless it was told to share it
     */
    public final Tensor forward(Tensor x, Context context, Workspace ws) {
        Tensor y = output(x, context.rowsBehind(x.rows()), ws);
        if (ws.training()) {
            ws.keepInput(this, x);
        }
        ws.enter(this);
        if (after.isEmpty()) {
            through(x, y, context, ws);
        } else {
            Tensor x2 = ws.activation(this, "x2", x.rows(), x.columns());
            through(x, x2, context, ws);
            after.insert().orElseThrow().forward(x2, y, context, ws);
            ws.show(after.name(), y);
        }
        ws.leave();
        return y;
    }

    /**
     * @param g         the derivative by what forward gave (N, C); becomes ∂L/∂x, as far as that is needed
     * @param needInput whether anything below this block trains; if not, g's content is undefined afterwards
     */
    public final void backward(Tensor g, boolean needInput, Sequences sequences, Workspace ws) {
        backward(g, g, needInput, sequences, ws);
    }

    /**
     * The same where not all rows of what forward gave are read.
     *
     * @param g  the derivative by what forward gave, (B, C); written over
     * @param dx ∂L/∂x (N, C); written, as far as that is needed
     */
    public final void backward(Tensor g, Tensor dx, boolean needInput, Sequences sequences, Workspace ws) {
        if (!ws.holds(this)) {
            forward(ws.keptInput(this), sequences, ws);
        }
        if (!after.isEmpty()) {
            ws.showGradient(after.name(), g);
            Tensor dx2 = needInput || trainsInside() ? ws.scratch("dplace", g.rows(), g.columns()) : null;
            after.insert().orElseThrow().backward(g, dx2, sequences, ws);
            if (dx2 == null) {
                return;
            }
            ws.backend().copy(dx2.matrix(), g.matrix());
        }
        back(g, dx, needInput, sequences, ws);
    }

    /** From x to x₂. */
    abstract void through(Tensor x, Tensor x2, Context context, Workspace ws);

    /** x₂ as forward gave it, from what it has kept. */
    void again(Tensor x2, Workspace ws) {
        throw new UnsupportedOperationException();
    }

    /** From g, which is ∂L/∂x₂ and is written over, to ∂L/∂x; the two are one tensor where all rows are read. */
    abstract void back(Tensor g, Tensor dx, boolean needInput, Sequences sequences, Workspace ws);

    /** dx += ds, which has the rows behind attention. */
    static void addBelow(Tensor ds, Tensor dx, Sequences sequences, Workspace ws) {
        if (sequences.read() == null) {
            ws.backend().add(ds, dx);
        } else {
            ws.backend().scatterAddRows(ds, sequences.read().rows(), dx);
        }
    }

    /** Memory for what a sublayer reads: its own where its backward reads it again. */
    final Tensor input(String name, boolean keeps, Tensor like, Workspace ws) {
        return keeps ? ws.activation(this, name, like.rows(), like.columns()) : ws.scratch("n", like.rows(), like.columns());
    }

    /** Whether anything in here trains, or what its attention shares with other blocks does. */
    @Override
    public final boolean trains() {
        return trainsInside() || after.trains();
    }

    private boolean trainsInside() {
        return attention.trains() || attention.norm().trains() || attentionSum.trains()
                || feedForward.trains() || feedForward.norm().trains() || feedForwardSum.trains();
    }

    /** Its linear maps, in the model's order. */
    public final List<Slot<Projection>> slots() {
        List<Slot<Projection>> slots = new ArrayList<>(attention.layer().slots());
        slots.addAll(feedForward.layer().slots());
        return slots;
    }

    /** Where a method can put something of its own. */
    public final List<Place> places() {
        return List.of(attentionPlace, feedForwardPlace, after);
    }

    /** Where a method can replace its attention's keys and values. */
    public final KeyValuePlace keysAndValues() {
        return attention.layer().keysAndValues();
    }

    /** The layers of the base, in the order in which files name them. */
    abstract List<Layer> layers();

    @Override
    public final List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        layers().forEach(layer -> parameters.addAll(layer.parameters()));
        places().forEach(place -> parameters.addAll(place.parameters()));
        return parameters;
    }
}
