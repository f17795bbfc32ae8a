package org.lora4j.tuning.lora;

import java.util.List;
import org.lora4j.backend.Backend;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Projection;
import org.lora4j.nn.Slot;
import org.lora4j.nn.TokenEmbedding;

/** A model that an adapter can be attached to: it names the places where its maps sit. */
public interface LoraModel {

    Backend backend();

    /** The linear maps, in the model's order, by the names that Hugging Face gives them. */
    List<Slot<Projection>> projections();

    /** The embeddings. */
    List<Slot<TokenEmbedding>> embeddings();

    /** Every parameter, those of attached adapters included. */
    List<Parameter> parameters();

    /** Whether its files hold weights as in × out; adapter files say so, though A and B never lie that way. */
    boolean fanInFanOut();

    /** What to call this model in messages: {@code this GPT-2}. */
    String description();
}
