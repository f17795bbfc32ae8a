package org.lora4j.encoder;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.lora4j.LoraException;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.family.Representation;
import org.lora4j.family.SequenceBody;
import org.lora4j.nn.AttentionRule;
import org.lora4j.nn.Block;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Perceptron;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.ReadRows;
import org.lora4j.nn.Role;
import org.lora4j.nn.SelfAttention;
import org.lora4j.nn.SeparateMaps;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Sight;
import org.lora4j.nn.Slot;
import org.lora4j.nn.Sublayer;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;

/**
 * The body of BERT (Devlin et al. 2018) and of those made after it, whose first token stands for the sequence:
 *
 * <pre>
 *   x₀ = dropout(LayerNorm(words[id] (+ types[type]) + positions[position]))
 *   xᵢ₊₁ = blockᵢ(xᵢ), norms behind the sums, each position seeing all that are not padding          c = x_L[first]
 * </pre>
 */
final class Encoder implements SequenceBody {

    private final EncoderConfig config;
    private final Backend backend;
    private final EncoderEmbeddings embeddings;
    private final List<Block> blocks = new ArrayList<>();

    /** @param parameter gives the parameter of each complete name, its weights as out × in */
    Encoder(EncoderConfig config, Backend backend, Function<String, Parameter> parameter, EncoderConfig.Rates dropout) {
        this.config = config;
        this.backend = backend;
        embeddings = new EncoderEmbeddings(config, parameter, dropout.body());
        for (int block = 0; block < config.sizes().blocks(); block++) {
            blocks.add(block(block, parameter, dropout).sharingOutput());
        }
    }

    private Block block(int number, Function<String, Parameter> parameter, EncoderConfig.Rates dropout) {
        String name = config.names().block(number);
        EncoderNames.BlockWords words = config.names().blockWords();
        int count = config.sizes().heads();
        int size = config.sizes().width() / count;
        AttentionHeads heads = AttentionHeads.of(count, size, 1 / Math.sqrt(size));
        BlockMaps maps = new BlockMaps(name + ".", number, parameter);
        SelfAttention attention = new SelfAttention(
                AttentionRule.causal(number, heads).withSight(Sight.ALL)
                        .withDropout(new Dropout(dropout.attention(), Philox.site(name + ".attention.dropout"))),
                new SeparateMaps(maps.slot(words.attention().query(), Role.QUERY), maps.slot(words.attention().key(), Role.KEY),
                        maps.slot(words.attention().value(), Role.VALUE), heads),
                maps.slot(words.output(), Role.ATTENTION_OUTPUT));
        Perceptron feedForward = new Perceptron(
                maps.slot(words.up(), Role.UP), maps.slot(words.down(), Role.DOWN), config.activation());
        return Block.postNorm(name,
                new Sublayer<>(attention, norm(name + "." + words.attentionNorm(), parameter),
                        new Dropout(dropout.body(), Philox.site(name + ".output.dropout"))),
                new Sublayer<>(feedForward, norm(name + "." + words.norm(), parameter),
                        new Dropout(dropout.body(), Philox.site(name + ".feed_forward.dropout"))));
    }

    /** The maps of one block. */
    private record BlockMaps(String prefix, int block, Function<String, Parameter> parameter) {

        Slot<Projection> slot(String word, Role role) {
            String name = prefix + word;
            return new Slot<>(name, role, block, List.of(),
                    new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
        }
    }

    private Normalisation norm(String name, Function<String, Parameter> parameter) {
        return Normalisation.layer(parameter.apply(name + ".weight"), parameter.apply(name + ".bias"), config.epsilon());
    }

    // ------------------------------------------------------------------------------------------------ passes

    @Override
    public Representation forward(Batch batch, Workspace ws) {
        Batch whole = whole(batch);
        Sequences all = sequences(whole, ws);
        int[] first = new int[whole.size()];
        int standsFor = embeddings.prefixSpeaks() ? 0 : whole.length() - batch.length();
        Arrays.setAll(first, b -> b * whole.length() + standsFor);
        Block top = blocks.getLast();
        Sequences last = all.reading(
                top.canChooseRows(ws) ? ReadRows.of(first, top.rule(), all, whole.attentionMask(), ws) : null);
        Tensor x = embeddings.forward(whole, all.positions(), ws);
        for (Block block : blocks) {
            x = block.forward(x, block == top ? last : all, ws);
        }
        return Representation.behind(x, whole, last, first, ws);
    }

    /** The batch behind what stands before the first position. */
    private Batch whole(Batch batch) {
        check(batch.inputIds(), config.sizes().vocabulary(), "token", "the model's vocabulary of " + config.sizes().vocabulary()
                + " tokens", ": was it made by another model's tokenizer?");
        if (batch.tokenTypeIds() != null && config.types() > 0) {
            check(batch.tokenTypeIds(), config.types(), "token type", "the model's " + config.types(), "");
        }
        int[] prefix = embeddings.prefix();
        return prefix.length == 0 ? batch : batch.behind(prefix);
    }

    private static void check(int[] ids, int limit, String what, String whose, String hint) {
        for (int id : ids) {
            if (id < 0 || id >= limit) {
                throw new LoraException(what + " " + id + " is outside " + whose + " (0 to " + (limit - 1) + ")" + hint);
            }
        }
    }

    private Sequences sequences(Batch batch, Workspace ws) {
        ws.ints(this, "mask", batch.inputIds().length); // where nothing is padded too: a later batch may be
        IntTensor mask = batch.attentionMask() == null ? null
                : ws.ints(this, "mask", batch.attentionMask()).as(Shape.of(batch.size(), batch.length()));
        return new Sequences(batch.size(), batch.length(), mask, ws.ints(this, "places", positions(batch)));
    }

    private int[] positions(Batch batch) {
        int[] ids = batch.inputIds();
        int[] places = new int[ids.length];
        int last = config.tablePositions() - 1;
        boolean behind = config.positionRule() == Spelling.Positions.BEHIND_PADDING;
        int padding = config.padding().orElse(0);
        for (int b = 0; b < batch.size(); b++) {
            int next = config.firstPosition();
            for (int at = b * batch.length(); at < (b + 1) * batch.length(); at++) {
                places[at] = behind && ids[at] == padding ? padding : next++;
                if (places[at] > last) {
                    throw new LoraException("a sequence of " + batch.length() + " tokens is longer than the model's position table "
                            + "of " + config.sizes().positions() + ": shorten it, or use a model with more positions");
                }
            }
        }
        return places;
    }

    @Override
    public void backward(Tensor dc, Representation made, Workspace ws) {
        boolean embeddingsTrain = embeddings.trains();
        int lowest = embeddingsTrain ? 0 : lowestTrainingBlock();
        if (lowest == blocks.size() && !embeddingsTrain) {
            return;
        }
        Tensor g = ws.scratch("g", made.sequences().rows(), dc.columns());
        Sequences last = made.sequences();
        Tensor top = made.topGradient(dc, g, ws);
        for (int block = blocks.size() - 1; block >= lowest; block--) {
            if (block > 0) {
                blocks.get(block - 1).makeAgain(ws);
            }
            boolean isTop = block == blocks.size() - 1;
            blocks.get(block).backward(
                    isTop ? top : g, g, block > lowest || embeddingsTrain, isTop ? last : last.reading(null), ws);
        }
        if (embeddingsTrain) {
            embeddings.backward(g, made, ws);
        }
    }

    private int lowestTrainingBlock() {
        int lowest = 0;
        while (lowest < blocks.size() && !blocks.get(lowest).trains()) {
            lowest++;
        }
        return lowest;
    }

    // ------------------------------------------------------------------------------------------------ parts

    @Override
    public List<Slot<Projection>> projections() {
        return blocks.stream().flatMap(block -> block.slots().stream()).toList();
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return embeddings.slots();
    }

    @Override
    public List<Place> places() {
        return blocks.stream().flatMap(block -> block.places().stream()).toList();
    }

    @Override
    public List<KeyValuePlace> keyValuePlaces() {
        return blocks.stream().map(Block::keysAndValues).toList();
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(embeddings.parameters());
        blocks.forEach(block -> parameters.addAll(block.parameters()));
        return parameters;
    }
}
