package org.lora4j.deberta;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.AttentionHeads;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.family.Representation;
import org.lora4j.family.SequenceBody;
import org.lora4j.nn.AttentionMaps;
import org.lora4j.nn.AttentionRule;
import org.lora4j.nn.Block;
import org.lora4j.nn.DisentangledMaps;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.EvenPadding;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.Linear;
import org.lora4j.nn.Normalisation;
import org.lora4j.nn.PaddingRows;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Perceptron;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.ReadRows;
import org.lora4j.nn.RelativeEmbeddings;
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
import org.lora4j.tuning.lora.AdapterMix;

/**
 * The body of DeBERTa (He et al. 2021), whose first token stands for the sequence:
 *
 * <pre>
 *   x₁ = block₀(x₀)      x₁ ← convolution(x₀, x₁), where there is one      xᵢ₊₁ = blockᵢ(xᵢ)      c = x_L[first]
 * </pre>
 *
 * <p>Blocks are BERT's, norms behind the sums, but for their scores, which {@link DisentangledMaps} make of contents and
 * distances. Padding is hidden as a query too, see {@link EvenPadding}.
 */
final class DebertaBody implements SequenceBody {

    private final DebertaConfig config;
    private final Backend backend;
    private final DebertaEmbeddings embeddings;
    /** Of distances; null where there are none, or none that any score asks for. */
    private final @Nullable RelativeEmbeddings relative;
    private final @Nullable DebertaConvolution convolution;
    private final List<Block> blocks = new ArrayList<>();
    /** What the files have and nothing asks for: embeddings of distances without a term, or their norm without them. */
    private final List<Parameter> idle = new ArrayList<>();

    /** @param parameter gives the parameter of each complete name, its weights as out × in */
    DebertaBody(DebertaConfig config, Backend backend, Function<String, Parameter> parameter, DebertaConfig.Rates dropout) {
        this.config = config;
        this.backend = backend;
        embeddings = new DebertaEmbeddings(config, parameter, dropout.body());
        relative = relative(parameter);
        for (int block = 0; block < config.sizes().blocks(); block++) {
            blocks.add(block(block, parameter, dropout));
        }
        DebertaConfig.Convolved choice = config.convolution();
        convolution = choice == null ? null
                : new DebertaConvolution(choice, config.functions().epsilon(), parameter, dropout.body());
    }

    private @Nullable RelativeEmbeddings relative(Function<String, Parameter> parameter) {
        DebertaConfig.Relative choice = config.relative();
        Parameter table = choice.used() ? parameter.apply(DebertaNames.RELATIVE + ".weight") : null;
        Normalisation norm = choice.normalised() ? norm(DebertaNames.RELATIVE_NORM, parameter) : null;
        if (choice.scores()) {
            return new RelativeEmbeddings(table, norm, config.distances());
        }
        if (table != null) {
            idle.add(table);
        }
        if (norm != null) {
            idle.addAll(norm.parameters());
        }
        return null;
    }

    private Block block(int number, Function<String, Parameter> parameter, DebertaConfig.Rates dropout) {
        String name = DebertaNames.BLOCK + number;
        int count = config.sizes().heads();
        AttentionHeads heads = AttentionHeads.of(count, config.sizes().width() / count, config.attentionScale());
        BlockMaps maps = new BlockMaps(name + ".", number, parameter);
        AttentionMaps attentionMaps = attentionMaps(maps, heads,
                new Dropout(dropout.body(), Philox.site(name + ".attention.self.pos_dropout")));
        SelfAttention attention = new SelfAttention(
                AttentionRule.causal(number, heads).withSight(Sight.ALL)
                        .withDropout(new Dropout(dropout.attention(), Philox.site(name + ".attention.dropout"))),
                attentionMaps, maps.slot(DebertaNames.OUTPUT, Role.ATTENTION_OUTPUT));
        Perceptron feedForward = new Perceptron(maps.slot(DebertaNames.UP, Role.UP), maps.slot(DebertaNames.DOWN, Role.DOWN),
                config.functions().activation());
        return Block.postNorm(name,
                new Sublayer<>(attention, norm(name + "." + DebertaNames.ATTENTION_NORM, parameter),
                        new Dropout(dropout.body(), Philox.site(name + ".output.dropout"))),
                new Sublayer<>(feedForward, norm(name + "." + DebertaNames.NORM, parameter),
                        new Dropout(dropout.body(), Philox.site(name + ".feed_forward.dropout"))));
    }

    private AttentionMaps attentionMaps(BlockMaps maps, AttentionHeads heads, Dropout dropout) {
        Slot<Projection> query = maps.slot(DebertaNames.QUERY, Role.QUERY);
        Slot<Projection> key = maps.slot(DebertaNames.KEY, Role.KEY);
        Slot<Projection> value = maps.slot(DebertaNames.VALUE, Role.VALUE);
        DebertaConfig.Relative choice = config.relative();
        if (relative == null) {
            return new SeparateMaps(query, key, value, heads);
        }
        Slot<Projection> keys = null;
        Slot<Projection> queries = null;
        if (choice.contentByPosition()) {
            keys = choice.sharedMaps() ? key : maps.slot(DebertaNames.POSITION_KEY, Role.POSITION_KEY);
        }
        if (choice.positionByContent()) {
            queries = choice.sharedMaps() ? query : maps.slot(DebertaNames.POSITION_QUERY, Role.POSITION_QUERY);
        }
        return new DisentangledMaps(query, key, value, new DisentangledMaps.Positions(keys, queries, relative, dropout), heads);
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
        return Normalisation.layer(
                parameter.apply(name + ".weight"), parameter.apply(name + ".bias"), config.functions().epsilon());
    }

    // ------------------------------------------------------------------------------------------------ forward

    @Override
    public Representation forward(Batch batch, Workspace ws) {
        Batch whole = whole(batch);
        Sequences all = sequences(whole, ws);
        PaddingRows padding = padding(whole, ws);
        if (relative != null) {
            if (ws.note(AdapterMix.class) != null) {
                throw new LoraException("a batch with several adapters in it: all sequences of a DeBERTa's batch share what its maps "
                        + "make of distances. Give the sequences of each adapter a batch of their own");
            }
            relative.forward(whole.length(), ws);
        }
        int standsFor = embeddings.prefixSpeaks() ? 0 : whole.length() - batch.length();
        int[] first = new int[whole.size()];
        Arrays.setAll(first, b -> b * whole.length() + standsFor);
        Block top = blocks.getLast();
        // the convolution reads all of the first block, and distances are counted from the first position
        boolean chooses = top.canChooseRows(ws) && (convolution == null || blocks.size() > 1) && (relative == null || standsFor == 0);
        Sequences last = all.reading(chooses ? ReadRows.of(first, top.rule(), all, whole.attentionMask(), ws) : null);
        Tensor x0 = embeddings.forward(whole, all, padding, ws);
        Tensor x = x0;
        for (Block block : blocks) {
            x = block.forward(x, block == top ? last : all, ws);
            if (block == blocks.getFirst() && convolution != null) {
                x = convolution.forward(x0, x, all, padding, ws);
            }
        }
        return Representation.behind(x, whole, last, first, ws);
    }

    /** The batch behind what stands before the first position. */
    private Batch whole(Batch batch) {
        int vocabulary = config.sizes().vocabulary();
        check(batch.inputIds(), vocabulary, "token", "the model's vocabulary of " + vocabulary + " tokens",
                ": was it made by another model's tokenizer?");
        int types = config.embeddings().types();
        if (batch.tokenTypeIds() != null && types > 0) { // a model without token types takes no notice of them
            check(batch.tokenTypeIds(), types, "token type", "the model's " + types, "");
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
        int positions = config.sizes().positions();
        if (config.embeddings().positions() && batch.length() > positions) {
            throw new LoraException("a sequence of " + batch.length() + " tokens is longer than the model's position table of "
                    + positions + ": shorten it, or use a model with more positions");
        }
        ws.ints(this, "mask", batch.inputIds().length); // where nothing is padded too: a later batch may be
        IntTensor mask = batch.attentionMask() == null ? null
                : ws.ints(this, "mask", batch.attentionMask()).as(Shape.of(batch.size(), batch.length()));
        int[] places = new int[batch.inputIds().length];
        Arrays.setAll(places, row -> row % batch.length());
        return new Sequences(batch.size(), batch.length(), mask, ws.ints(this, "places", places));
    }

    private @Nullable PaddingRows padding(Batch batch, Workspace ws) {
        int[] mask = batch.attentionMask();
        if (mask == null) {
            EvenPadding.none(ws);
            return null;
        }
        PaddingRows padding = new PaddingRows(mask, config.sizes().width(), ws);
        EvenPadding.begin(mask, batch.size(), padding, ws);
        ws.note(PaddingRows.class, padding);
        return padding;
    }

    // ------------------------------------------------------------------------------------------------ backward

    @Override
    public void backward(Tensor dc, Representation made, Workspace ws) {
        Sequences last = made.sequences();
        Sequences sequences = last.reading(null);
        PaddingRows padding = made.whole().attentionMask() == null ? null : ws.note(PaddingRows.class);
        boolean embeddingsTrain = embeddings.trains();
        boolean convolutionTrains = convolution != null && convolution.trains();
        int lowest = embeddingsTrain ? 0 : lowestTrainingBlock();
        if (lowest == blocks.size() && !convolutionTrains) {
            return;
        }
        Tensor g = ws.scratch("g", sequences.rows(), dc.columns());
        Tensor top = made.topGradient(dc, g, ws);
        Tensor ofConvolution = null;
        for (int block = blocks.size() - 1; block >= 0 && (block >= lowest || convolutionTrains); block--) {
            if (block == 0 && convolution != null) {
                ofConvolution = convolution.backward(g, embeddingsTrain, sequences, padding, ws);
            }
            boolean below = block > lowest || embeddingsTrain || block > 0 && convolutionTrains;
            if (below || block == lowest) {
                boolean isTop = block == blocks.size() - 1;
                blocks.get(block).backward(isTop ? top : g, g, below, isTop ? last : sequences, ws);
            }
        }
        if (relative != null) {
            relative.backward(ws);
        }
        if (embeddingsTrain) {
            if (ofConvolution != null) {
                backend.add(ofConvolution, g);
            }
            embeddings.backward(g, sequences, padding, ws);
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
        List<Slot<Projection>> slots = new ArrayList<>(embeddings.maps());
        blocks.forEach(block -> slots.addAll(block.slots()));
        return slots;
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
        if (relative != null) {
            parameters.addAll(relative.parameters());
        }
        parameters.addAll(idle);
        if (convolution != null) {
            parameters.addAll(convolution.parameters());
        }
        return parameters;
    }
}
