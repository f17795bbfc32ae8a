package org.lora4j.family;

import java.util.List;
import org.lora4j.data.Batch;
import org.lora4j.nn.KeyValuePlace;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Place;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * A model without its head, as {@link BodyClassifier} wants it: from a batch of sequences to one row of features for each. It
 * holds parameters and nothing that a pass computes.
 */
public interface SequenceBody {

    /**
     * Forward, in a pass that has begun.
     *
     * @throws org.lora4j.LoraException if a token, a token type or a length is none of the model's
     */
    Representation forward(Batch batch, Workspace ws);

    /**
     * Adds to the gradients of what trains, and goes no deeper than the lowest that does.
     *
     * @param dc   ∂L/∂(the representation's rows) (B, C); read
     * @param made what forward gave
     */
    void backward(Tensor dc, Representation made, Workspace ws);

    /** Whether anything in it trains. */
    default boolean trains() {
        return parameters().stream().anyMatch(Parameter::isTrainable);
    }

    /** The linear maps, in the model's order. */
    List<Slot<Projection>> projections();

    List<Slot<TokenEmbedding>> embeddings();

    List<Place> places();

    /** Where a method can replace the keys and values of each block. */
    List<KeyValuePlace> keyValuePlaces();

    /** In the order of the model's files. */
    List<Parameter> parameters();
}
