package org.lora4j.gpt2;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.NextTokens;
import org.lora4j.family.LanguageModel;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.CausalSelfAttention;
import org.lora4j.nn.Dropout;
import org.lora4j.nn.Embedding;
import org.lora4j.nn.FeedForward;
import org.lora4j.nn.KeyValuePool;
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
import org.lora4j.tensor.Philox;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterMix;

/**
 * GPT-2 (Radford et al. 2019) as a language model:
 *
 * <pre>
 *   x₀ = dropout(wte[id] + wpe[position] (+ wte[type]))      xᵢ₊₁ = blockᵢ(xᵢ)      h = LayerNorm(x_L)      logits = h·headᵀ
 * </pre>
 *
 * <p>The model holds parameters and nothing else: passes live in a {@link Workspace}, generation's past in a
 * {@link KeyValuePool}, so any number of them can share one model. A method such as LoRA changes what sits in the
 * {@link Slot}s; nothing is computed for frozen weights' gradients, nor below the lowest parameter that trains.
 *
 * <p>Positions count from 0 at a row's first token, padding included, as Transformers does it unless told otherwise.
 */
public final class Gpt2 implements LanguageModel {

    /** Where a {@link org.lora4j.nn.Tap} sees the sum of the embeddings. */
    private static final String EMBEDDINGS = "transformer.embeddings";
    /** The longest array every JVM can make. */
    private static final long MOST_LOGITS = Integer.MAX_VALUE - 8;

    private final Gpt2Config config;
    private final Backend backend;
    private final Slot<TokenEmbedding> tokens;
    private final Slot<TokenEmbedding> positions;
    private final Dropout embeddingDropout;
    private final List<TransformerBlock> blocks;
    private final LayerNorm finalNorm;
    private final LanguageModelHead head;

    /**
     * @param parameter gives the parameter of each name in Hugging Face's files (with the prefix {@code transformer.}),
     *                  its weights as out × in
     * @param dropout   on embeddings, attention probabilities and branches in training; the paper's scripts use 0
     */
    public Gpt2(Gpt2Config config, Backend backend, Function<String, Parameter> parameter, double dropout) {
        this.config = config;
        this.backend = backend;
        Embedding wte = new Embedding(parameter.apply("transformer.wte.weight"));
        tokens = new Slot<>(Gpt2Names.TABLE, Role.TOKENS, wte);
        positions = new Slot<>(Gpt2Names.POSITIONS, Role.POSITIONS,
                new Embedding(parameter.apply("transformer.wpe.weight")));
        embeddingDropout = new Dropout(dropout, Philox.site("transformer.drop"));
        blocks = new ArrayList<>();
        for (int layer = 0; layer < config.nLayer(); layer++) {
            blocks.add(block(layer, parameter, dropout));
        }
        finalNorm = norm("transformer.ln_f", parameter);
        Parameter table = config.tieWordEmbeddings() ? wte.table() : parameter.apply("lm_head.weight");
        head = new LanguageModelHead(new Slot<>(Gpt2Names.HEAD, Role.LANGUAGE_HEAD, new Linear(table, null)));
    }

    private TransformerBlock block(int layer, Function<String, Parameter> parameter, double dropout) {
        String name = "transformer.h." + layer;
        CausalSelfAttention attention = new CausalSelfAttention(
                layer, config.nHead(), config.attentionScale(layer),
                new Dropout(dropout, Philox.site(name + ".attn.attn_dropout")),
                slot(name + ".attn.c_attn", Role.QUERY_KEY_VALUE, layer, Gpt2Names.PARTS, parameter),
                slot(name + ".attn.c_proj", Role.ATTENTION_OUTPUT, layer, List.of(), parameter));
        FeedForward mlp = new FeedForward(
                slot(name + ".mlp.c_fc", Role.UP, layer, List.of(), parameter),
                slot(name + ".mlp.c_proj", Role.DOWN, layer, List.of(), parameter),
                config.activation());
        return new TransformerBlock(
                name, norm(name + ".ln_1", parameter), attention,
                new Dropout(dropout, Philox.site(name + ".attn.resid_dropout")), norm(name + ".ln_2", parameter), mlp,
                new Dropout(dropout, Philox.site(name + ".mlp.dropout")));
    }

    private static Slot<Projection> slot(
            String name, Role role, int layer, List<String> parts, Function<String, Parameter> parameter) {
        return new Slot<>(
                name, role, layer, parts, new Linear(parameter.apply(name + ".weight"), parameter.apply(name + ".bias")));
    }

    private LayerNorm norm(String name, Function<String, Parameter> parameter) {
        return new LayerNorm(
                parameter.apply(name + ".weight"), parameter.apply(name + ".bias"), config.layerNormEpsilon());
    }

    // ------------------------------------------------------------------------------------------------ passes

    /** @throws LoraException if a token is none of the vocabulary, a row is too long, or B·T·V is more than an array holds */
    @Override
    public Tensor logits(Batch batch, Workspace ws) {
        AdapterMix.check(ws, batch.size(), true);
        long numbers = (long) batch.inputIds().length * config.vocabSize();
        if (numbers > MOST_LOGITS) {
            throw new LoraException(batch.size() + " × " + batch.length() + " tokens have " + numbers + " logits, more than the "
                    + MOST_LOGITS + " that one array can hold: give fewer sequences at a time");
        }
        ws.begin(batch.inputIds().length, 0);
        Tensor h = hidden(batch, sequences(batch, ws), ws);
        Tensor logits = ws.tensor(this, "logits", h.rows(), config.vocabSize());
        head.logits(h, logits, ws);
        return logits;
    }

    @Override
    public double loss(Batch batch, double labelSmoothing, Workspace ws) {
        AdapterMix.check(ws, batch.size(), false);
        ws.begin(batch.inputIds().length, 0);
        Tensor h = hidden(batch, sequences(batch, ws), ws);
        Targets targets = gatherTargets(batch, h, ws);
        return head.loss(targets.hidden, targets.ids, labelSmoothing, ws);
    }

    @Override
    public double lossAndGradients(Batch batch, double weight, double labelSmoothing, long step, Workspace ws) {
        AdapterMix.check(ws, batch.size(), false);
        ws.begin(batch.inputIds().length, step);
        Sequences sequences = sequences(batch, ws);
        Tensor h = hidden(batch, sequences, ws);
        Targets targets = gatherTargets(batch, h, ws);
        Tensor dTargets = ws.tensor(this, "dTargets", h.rows(), h.columns()).as(targets.hidden.shape());
        double loss = head.lossAndGradient(targets.hidden, targets.ids, labelSmoothing, weight, dTargets, ws);
        Tensor dh = ws.scratch("dh", h.rows(), h.columns());
        backend.fill(dh, 0);
        backend.scatterAddRows(dTargets, targets.rows, dh);
        backward(dh, batch, sequences, ws);
        return loss;
    }

    /** From the ids to the final LayerNorm's output, (B·T, C). */
    private Tensor hidden(Batch batch, Sequences sequences, Workspace ws) {
        int rows = sequences.rows();
        IntTensor ids = upload("ids", batch.inputIds(), ws);
        IntTensor places = upload("places", countFromZero(sequences), ws);
        IntTensor types = batch.tokenTypeIds() == null ? null : upload("types", batch.tokenTypeIds(), ws);
        Tensor x = embed(ids, places, types, ws);
        for (TransformerBlock block : blocks) {
            x = block.forward(x, sequences, ws);
        }
        Tensor h = ws.tensor(this, "h", rows, config.nEmbd());
        finalNorm.forward(x, h, ws);
        return h;
    }

    private void backward(Tensor dh, Batch batch, Sequences sequences, Workspace ws) {
        Tensor g = ws.scratch("g", dh.rows(), dh.columns());
        backend.fill(g, 0);
        boolean embeddingsTrain = tokens.trains() || positions.trains();
        int lowest = embeddingsTrain ? 0 : lowestTrainingBlock();
        if (lowest == blocks.size() && !finalNorm.trains()) {
            return;
        }
        finalNorm.backward(dh, g, ws);
        for (int layer = blocks.size() - 1; layer >= lowest; layer--) {
            blocks.get(layer).backward(g, layer > lowest || embeddingsTrain, sequences, ws);
        }
        if (embeddingsTrain) {
            ws.showGradient(EMBEDDINGS, g);
            embeddingDropout.applyInPlace(g, ws);
            tokens.get().backward(ws.ints(this, "ids", g.rows()), g, ws);
            positions.get().backward(ws.ints(this, "places", g.rows()), g, ws);
            if (batch.tokenTypeIds() != null) {
                tokens.get().backward(ws.ints(this, "types", g.rows()), g, ws);
            }
        }
    }

    private int lowestTrainingBlock() {
        int lowest = 0;
        while (lowest < blocks.size() && !blocks.get(lowest).trains()) {
            lowest++;
        }
        return lowest;
    }

    private Tensor embed(IntTensor ids, IntTensor places, @Nullable IntTensor types, Workspace ws) {
        Tensor x = ws.tensor(this, "x0", ids.size(), config.nEmbd());
        tokens.get().forward(ids, x, 0, ws);
        positions.get().forward(places, x, 1, ws);
        if (types != null) {
            tokens.get().forward(types, x, 1, ws);
        }
        embeddingDropout.applyInPlace(x, ws);
        ws.show(EMBEDDINGS, x);
        return x;
    }

    @Override
    public Tensor next(int[] ids, int[] positions, Past past, int @Nullable [] wanted, Workspace ws) {
        AdapterMix.check(ws);
        AdapterMix.check(ws, wanted == null ? ids.length : wanted.length, true);
        checkIds(ids);
        for (int position : positions) {
            checkLength(position + 1);
        }
        Tensor x = embed(upload("ids", ids, ws), upload("places", positions, ws), null, ws);
        for (TransformerBlock block : blocks) {
            x = block.forward(x, past, ws);
        }
        int rows = ids.length;
        if (wanted != null) {
            rows = wanted.length;
            Tensor last = ws.block(this, "last", rows, config.nEmbd());
            backend.gatherRows(x, upload("wanted", wanted, ws), last, 0);
            x = last;
        }
        Tensor h = ws.block(this, "hLast", rows, config.nEmbd());
        finalNorm.forward(x, h, ws);
        Tensor logits = ws.block(this, "nextLogits", rows, config.vocabSize());
        head.logits(h, logits, ws);
        return logits;
    }

    // ------------------------------------------------------------------------------------------------ targets

    /** The positions that have a target: their row in h, what follows there, and h gathered. */
    private record Targets(IntTensor rows, int[] ids, Tensor hidden) {
    }

    /** Only the rows that {@link NextTokens} names need logits. */
    private Targets gatherTargets(Batch batch, Tensor h, Workspace ws) {
        NextTokens next = NextTokens.of(batch);
        int count = next.ids().length;
        checkIds(next.ids());
        IntTensor rowTensor = ws.ints(this, "targetRows", h.rows()).as(Shape.of(count));
        backend.upload(next.rows(), 0, rowTensor, count);
        Tensor gathered = ws.tensor(this, "hTargets", h.rows(), h.columns()).as(Shape.of(count, h.columns()));
        backend.gatherRows(h, rowTensor, gathered, 0);
        return new Targets(rowTensor, next.ids(), gathered);
    }

    private Sequences sequences(Batch batch, Workspace ws) {
        checkIds(batch.inputIds());
        if (batch.tokenTypeIds() != null) {
            checkIds(batch.tokenTypeIds());
        }
        checkLength(batch.length());
        ws.ints(this, "mask", batch.inputIds().length); // where nothing is padded too: a later batch may be
        return new Sequences(batch.size(), batch.length(), batch.attentionMask() == null ? null
                : upload("mask", batch.attentionMask(), ws).as(Shape.of(batch.size(), batch.length())));
    }

    private static int[] countFromZero(Sequences sequences) {
        int[] places = new int[sequences.rows()];
        for (int row = 0; row < places.length; row++) {
            places[row] = row % sequences.length();
        }
        return places;
    }

    private IntTensor upload(String name, int[] values, Workspace ws) {
        IntTensor tensor = ws.ints(this, name, values.length);
        backend.upload(values, 0, tensor, values.length);
        return tensor;
    }

    private void checkIds(int[] ids) {
        for (int id : ids) {
            checkId(id);
        }
    }

    private void checkId(int id) {
        if (id < 0 || id >= config.vocabSize()) {
            throw new LoraException("token " + id + " is outside the model's vocabulary of " + config.vocabSize()
                    + " tokens (0 to " + (config.vocabSize() - 1) + "): was it made by another model's tokenizer?");
        }
    }

    private void checkLength(int length) {
        if (length > config.nPositions()) {
            throw new LoraException("a sequence of " + length + " tokens is longer than the model's position table of "
                    + config.nPositions() + ": shorten it, or use a model with more positions");
        }
    }

    // ------------------------------------------------------------------------------------------------ parts

    public Gpt2Config config() {
        return config;
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public List<Slot<Projection>> projections() {
        List<Slot<Projection>> slots = new ArrayList<>();
        for (TransformerBlock block : blocks) {
            slots.add(block.attention().qkv());
            slots.add(block.attention().output());
            slots.add(block.mlp().up());
            slots.add(block.mlp().down());
        }
        slots.add(head.projection());
        return slots;
    }

    @Override
    public List<Slot<TokenEmbedding>> embeddings() {
        return List.of(tokens, positions);
    }

    @Override
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(tokens.parameters());
        parameters.addAll(positions.parameters());
        for (TransformerBlock block : blocks) {
            parameters.addAll(block.parameters());
        }
        parameters.addAll(finalNorm.parameters());
        for (Parameter parameter : head.parameters()) {
            if (!parameters.contains(parameter)) { // a tied head's table is the token embedding's
                parameters.add(parameter);
            }
        }
        return parameters;
    }

    @Override
    public ModelSizes sizes() {
        return config.sizes();
    }

    @Override
    public ModelNames names() {
        return Gpt2Family.NAMES;
    }

    @Override
    public long parameterCount() {
        return config.parameterCount();
    }

    @Override
    public boolean isTied() {
        return config.isTied();
    }

    @Override
    public String settings() {
        return config.toString();
    }

    @Override
    public String description() {
        return "this GPT-2";
    }
}
