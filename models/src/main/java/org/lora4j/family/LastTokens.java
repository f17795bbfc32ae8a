package org.lora4j.family;

import java.util.List;
import java.util.OptionalInt;
import org.lora4j.data.Batch;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Sequences;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * A decoder's representation of a sequence: h of its last token that is not padding, which has seen all others.
 *
 * <p>As Transformers 5 has it, that is the rightmost id other than {@code pad_token_id}, wherever the padding is and whatever
 * the mask says, and the first position where there is none. A model without a {@code pad_token_id}, for which Transformers
 * takes one sequence at a time only, goes by the mask.
 */
public final class LastTokens implements SequenceBody {

    private final DecoderBody body;
    private final OptionalInt padding;

    /** @param padding the id that fills up, if the model has one */
    public LastTokens(DecoderBody body, OptionalInt padding) {
        this.body = body;
        this.padding = padding;
    }

    @Override
    public Representation forward(Batch batch, Workspace ws) {
        Batch whole = body.whole(batch);
        Sequences sequences = body.sequences(whole, ws);
        int[] rows = new int[batch.size()];
        for (int b = 0; b < rows.length; b++) {
            rows[b] = b * whole.length() + body.prefix().length + last(batch, b);
        }
        Sequences last = body.reading(rows, whole, sequences, ws);
        return Representation.behind(body.hidden(whole, last, ws), whole, last, rows, ws);
    }

    private int last(Batch batch, int b) {
        for (int t = batch.length() - 1; t > 0; t--) {
            int at = b * batch.length() + t;
            boolean padded = padding.isPresent() ? batch.inputIds()[at] == padding.getAsInt()
                    : batch.attentionMask() != null && batch.attentionMask()[at] == 0;
            if (!padded) {
                return t;
            }
        }
        return 0;
    }

    @Override
    public void backward(Tensor dc, Representation made, Workspace ws) {
        Tensor dh = made.sequences().read() == null ? made.spread(dc, ws) : dc;
        body.backward(dh, made.whole(), made.sequences(), ws);
    }

    @Override
    public List<Slot<Projection>> projections() {
        return body.projections();
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
    public List<KeyValuePlace> keyValuePlaces() {
        return body.keyValuePlaces();
    }

    @Override
    public List<Parameter> parameters() {
        return body.parameters();
    }
}
