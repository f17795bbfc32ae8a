package org.lora4j.family;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.data.Batch;
import org.lora4j.data.NextTokens;
import org.lora4j.model.ModelNames;
import org.lora4j.model.ModelSizes;
import org.lora4j.nn.Context;
import org.lora4j.nn.Continuation;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.LanguageModelHead;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Past;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.IntTensor;
import org.lora4j.tensor.Shape;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.AdapterMix;

/**
 * A {@link DecoderBody} with a head, as a language model: logits = h·headᵀ, made for the positions that need them.
 *
 * <p>The model holds parameters and nothing else: passes live in a {@link Workspace}, generation's past in a pool, so any
 * number of them can share one model.
 */
public abstract class DecoderModel implements LanguageModel {

    /** The longest array every JVM can make. */
    private static final long MOST_LOGITS = Integer.MAX_VALUE - 8;

    private final Backend backend;
    private final DecoderBody body;
    private final LanguageModelHead head;

    protected DecoderModel(DecoderBody body, LanguageModelHead head) {
        this.backend = body.backend();
        this.body = body;
        this.head = head;
    }

    // ------------------------------------------------------------------------------------------------ passes

    /** @throws LoraException if a token is none of the vocabulary, a row is too long, or B·T·V is more than an array holds */
    @Override
    public Tensor logits(Batch batch, Workspace ws) {
        AdapterMix.check(ws, batch.size(), true);
        long numbers = (long) batch.inputIds().length * vocabulary();
        if (numbers > MOST_LOGITS) {
            throw new LoraException(batch.size() + " × " + batch.length() + " tokens have " + numbers + " logits, more than the "
                    + MOST_LOGITS + " that one array can hold: give fewer sequences at a time");
        }
        Batch whole = body.whole(batch);
        ws.begin(whole.inputIds().length, 0);
        Tensor h = body.hidden(whole, body.sequences(whole, ws), ws);
        if (whole.length() > batch.length()) {
            h = shown(h, batch.shownAround(prefix().length, infix().length), ws);
        }
        Tensor logits = ws.tensor(this, "logits", h.rows(), vocabulary());
        head.logits(h, logits, ws);
        return logits;
    }

    @Override
    public double loss(Batch batch, double labelSmoothing, Workspace ws) {
        AdapterMix.check(ws, batch.size(), false);
        Batch whole = body.whole(batch);
        ws.begin(whole.inputIds().length, 0);
        Tensor h = body.hidden(whole, body.sequences(whole, ws), ws);
        Targets targets = gatherTargets(whole, h, ws);
        return head.loss(targets.hidden, targets.ids, labelSmoothing, ws);
    }

    @Override
    public double lossAndGradients(Batch batch, double weight, double labelSmoothing, long step, Workspace ws) {
        AdapterMix.check(ws, batch.size(), false);
        Batch whole = body.whole(batch);
        ws.begin(whole.inputIds().length, step);
        Sequences sequences = body.sequences(whole, ws);
        Tensor h = body.hidden(whole, sequences, ws);
        Targets targets = gatherTargets(whole, h, ws);
        Tensor dTargets = ws.tensor(this, "dTargets", h.rows(), h.columns()).as(targets.hidden.shape());
        double loss = head.lossAndGradient(targets.hidden, targets.ids, labelSmoothing, weight, dTargets, ws);
        Tensor dh = ws.scratch("dh", h.rows(), h.columns());
        backend.fill(dh, 0);
        backend.scatterAddRows(dTargets, targets.rows, dh);
        body.backward(dh, whole, sequences, ws);
        return loss;
    }

    private Tensor shown(Tensor h, int[] rows, Workspace ws) {
        Tensor shown = ws.tensor(this, "hShown", rows.length, h.columns());
        backend.gatherRows(h, ws.ints(body, "shown", rows), shown, 0);
        return shown;
    }

    @Override
    public Tensor next(int[] ids, int[] positions, Past past, int @Nullable [] wanted, Workspace ws) {
        AdapterMix.check(ws);
        AdapterMix.check(ws, wanted == null ? ids.length : wanted.length, true);
        body.checkIds(ids, body.vocabularyRows());
        for (int position : positions) {
            body.checkLength(position + 1);
        }
        Context context = new Continuation(body.places(positions, ws), past);
        Tensor x = body.throughBlocks(ids, null, context, ws);
        int rows = ids.length;
        if (wanted != null) {
            rows = wanted.length;
            Tensor last = ws.block(this, "last", rows, config().sizes().width());
            backend.gatherRows(x, ws.ints(body, "wanted", wanted), last, 0);
            x = last;
        }
        Tensor h = ws.block(this, "hLast", rows, config().sizes().width());
        body.norm(x, h, ws);
        Tensor logits = ws.block(this, "nextLogits", rows, vocabulary());
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
        body.checkIds(next.ids(), vocabulary());
        IntTensor rowTensor = ws.ints(this, "targetRows", h.rows()).as(Shape.of(count));
        backend.upload(next.rows(), 0, rowTensor, count);
        Tensor gathered = ws.tensor(this, "hTargets", h.rows(), h.columns()).as(Shape.of(count, h.columns()));
        backend.gatherRows(h, rowTensor, gathered, 0);
        return new Targets(rowTensor, next.ids(), gathered);
    }

    // ------------------------------------------------------------------------------------------------ parts

    /** Its sizes and choices. */
    public ModelConfig config() {
        return body.config();
    }

    private int vocabulary() {
        return body.config().sizes().vocabulary();
    }

    @Override
    public Backend backend() {
        return backend;
    }

    @Override
    public int[] prefix() {
        return body.prefix();
    }

    @Override
    public int[] infix() {
        return body.infix();
    }

    @Override
    public List<KeyValuePlace> keyValuePlaces() {
        return body.keyValuePlaces();
    }

    @Override
    public List<Slot<Projection>> projections() {
        List<Slot<Projection>> slots = new ArrayList<>(body.projections());
        slots.add(head.projection());
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
    public List<Parameter> parameters() {
        List<Parameter> parameters = new ArrayList<>(body.parameters());
        for (Parameter parameter : head.parameters()) {
            if (!parameters.contains(parameter)) { // a tied head's table is the token embedding's
                parameters.add(parameter);
            }
        }
        return parameters;
    }

    @Override
    public ModelSizes sizes() {
        return config().sizes();
    }

    @Override
    public ModelNames names() {
        return config().names();
    }

    @Override
    public long parameterCount() {
        return config().parameterCount();
    }

    @Override
    public boolean isTied() {
        return config().isTied();
    }

    @Override
    public String settings() {
        return config().toString();
    }

    @Override
    public String description() {
        return "this " + names().title();
    }
}
