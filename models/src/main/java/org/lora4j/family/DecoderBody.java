package org.lora4j.family;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.nn.Block;
import org.lora4j.nn.Context;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.ReadRows;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.SpecialRows;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * A decoder without a head, of any family, from ids to the last norm's output:
 *
 * <pre>
 *   x₀ = embed(ids)      xᵢ₊₁ = blockᵢ(xᵢ)      h = norm(x_L)
 * </pre>
 *
 * <p>A family says how it embeds, and which blocks there are; what a batch becomes on the backend, in training and in decoding,
 * and how far down a gradient has to go, is the same for all.
 */
public abstract class DecoderBody {

    private final Backend backend;
    private final ModelConfig config;
    private final Slot<TokenEmbedding> tokens;
    private final Embedding table;
    private final List<Block> blocks;
    private final Normalisation finalNorm;

    /**
     * @param tokens the table of the tokens, as it is in the base
     * @param blocks from the lowest on
     */
    protected DecoderBody(
            ModelConfig config, Backend backend, Slot<TokenEmbedding> tokens, List<Block> blocks, Normalisation finalNorm) {
        this.config = config;
        this.backend = backend;
        this.tokens = tokens;
        this.table = (Embedding) tokens.get();
        this.blocks = List.copyOf(blocks);
        this.finalNorm = finalNorm;
    }

    // ------------------------------------------------------------------------------------------------ of the family

    /** x₀, (N, C), in memory that lasts until backward. */
    protected abstract Tensor embed(IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws);

    /**
     * Adds to the gradients of the embeddings that train.
     *
     * @param g     ∂L/∂x₀; may be written over
     * @param types as in forward
     */
    protected abstract void embedBackward(Tensor g, IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws);

    /** The tables, the tokens' first. */
    public abstract List<Slot<TokenEmbedding>> embeddings();

    /** Is told the position of each row before a pass; nothing where positions are embedded. */
    protected void begin(int[] positions, Workspace ws) {
    }

    /** @throws LoraException if a sequence is longer than the model can take; without a table of positions none is */
    protected void checkLength(int length) {
    }

    // ------------------------------------------------------------------------------------------------ passes

    /** The batch with what a method puts before its first position, and between its input and output. */
    final Batch whole(Batch batch) {
        checkIds(batch.inputIds(), config.sizes().vocabulary());
        if (batch.tokenTypeIds() != null) {
            checkIds(batch.tokenTypeIds(), config.sizes().vocabulary());
        }
        return batch.around(prefix(), infix());
    }

    /** Where one row of each sequence is read of what {@link #hidden} gives. */
    final Sequences reading(int[] rows, Batch batch, Sequences sequences, Workspace ws) {
        Block top = blocks.getLast();
        return top.canChooseRows(ws) ? sequences.reading(ReadRows.of(rows, top.rule(), sequences, batch.attentionMask(), ws))
                : sequences;
    }

    /** From the ids to the last norm's output, (B·T, C), or of the rows that are read alone. */
    final Tensor hidden(Batch batch, Sequences sequences, Workspace ws) {
        IntTensor types = batch.tokenTypeIds() == null ? null : ws.ints(this, "types", batch.tokenTypeIds());
        Tensor x = throughBlocks(batch.inputIds(), types, sequences, ws);
        Tensor h = ws.tensor(this, "h", x.rows(), config.sizes().width());
        finalNorm.forward(x, h, ws);
        return h;
    }

    /** h of x_L; read and written. */
    final void norm(Tensor x, Tensor h, Workspace ws) {
        finalNorm.forward(x, h, ws);
    }

    /** From the ids to what the last block gives, in training and in decoding. */
    final Tensor throughBlocks(int[] tokens, @Nullable IntTensor types, Context context, Workspace ws) {
        IntTensor ids = ws.ints(this, "ids", tokens);
        SpecialRows.begin(tokens, ids, config.sizes().vocabulary(), ws);
        Tensor x = embed(ids, context.positions(), types, ws);
        Context below = context instanceof Sequences sequences ? sequences.reading(null) : context;
        for (Block block : blocks) {
            x = block.forward(x, block == blocks.getLast() ? context : below, ws);
        }
        return x;
    }

    /** From ∂L/∂h to the gradients of what trains, down to the lowest that does. */
    final void backward(Tensor dh, Batch batch, Sequences sequences, Workspace ws) {
        Tensor g = ws.scratch("g", sequences.rows(), dh.columns());
        Tensor top = sequences.read() == null ? g : ws.scratch("read.g", dh.rows(), dh.columns());
        backend.fill(top, 0);
        boolean embeddingsTrain = embeddings().stream().anyMatch(Slot::trains);
        int lowest = embeddingsTrain ? 0 : lowestTrainingBlock();
        if (lowest == blocks.size() && !finalNorm.trains()) {
            return;
        }
        finalNorm.backward(dh, top, ws);
        Sequences below = sequences.reading(null);
        for (int layer = blocks.size() - 1; layer >= lowest; layer--) {
            boolean isTop = layer == blocks.size() - 1;
            blocks.get(layer).backward(
                    isTop ? top : g, g, layer > lowest || embeddingsTrain, isTop ? sequences : below, ws);
        }
        if (embeddingsTrain) {
            embedBackward(g, ws.ints(this, "ids", g.rows()), sequences.positions(),
                    batch.tokenTypeIds() == null ? null : ws.ints(this, "types", g.rows()), ws);
        }
    }

    private int lowestTrainingBlock() {
        int lowest = 0;
        while (lowest < blocks.size() && !blocks.get(lowest).trains()) {
            lowest++;
        }
        return lowest;
    }

    final Sequences sequences(Batch batch, Workspace ws) {
        checkLength(batch.length());
        ws.ints(this, "mask", batch.inputIds().length); // where nothing is padded too: a later batch may be
        IntTensor mask = batch.attentionMask() == null ? null
                : ws.ints(this, "mask", batch.attentionMask()).as(Shape.of(batch.size(), batch.length()));
        int[] places = new int[batch.inputIds().length];
        Arrays.setAll(places, row -> row % batch.length());
        return new Sequences(batch.size(), batch.length(), mask, places(places, ws));
    }

    /** The rows' positions on the backend, of which the family has been told. */
    final IntTensor places(int[] places, Workspace ws) {
        begin(places, ws);
        return ws.ints(this, "places", places);
    }

    final void checkIds(int[] ids, int limit) {
        for (int id : ids) {
            if (id < 0 || id >= limit) {
                int vocabulary = config.sizes().vocabulary();
                throw new LoraException("token " + id + " is outside the model's vocabulary of " + vocabulary + " tokens (0 to "
                        + (vocabulary - 1) + "): was it made by another model's tokenizer?");
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ parts

    public final Backend backend() {
        return backend;
    }

    public final ModelConfig config() {
        return config;
    }

    /** The token embedding as it is in the base, whatever is in its slot. */
    public final Embedding table() {
        return table;
    }

    final int[] prefix() {
        return tokens.get().prefix();
    }

    final int[] infix() {
        return tokens.get().infix();
    }

    final int vocabularyRows() {
        return tokens.get().rows();
    }

    final List<Slot<Projection>> projections() {
        return blocks.stream().flatMap(block -> block.slots().stream()).toList();
    }

    final List<Place> places() {
        return blocks.stream().flatMap(block -> block.places().stream()).toList();
    }

    final List<KeyValuePlace> keyValuePlaces() {
        return blocks.stream().map(Block::keysAndValues).toList();
    }

    final List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>();
        embeddings().forEach(slot -> parameters.addAll(slot.parameters()));
        blocks.forEach(block -> parameters.addAll(block.parameters()));
        parameters.addAll(finalNorm.parameters());
        return parameters;
    }
}
