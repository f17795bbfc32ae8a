package org.lora4j.model;

import org.jspecify.annotations.Nullable;
import org.lora4j.backend.Backend;
import org.lora4j.nn.KeyValuePool;
import org.lora4j.nn.Past;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/**
 * A language model that says what may follow a beginning: all that writing text asks of it. It has no state of its own; what
 * was read lies in a {@link KeyValuePool}, and a pass sees of it what its {@link Past} shows.
 */
public interface CausalModel {

    Backend backend();

    /** V: tokens are 0 … V − 1. */
    int vocabularySize();

    /**
     * Ids that every sequence begins with, before its prompt, where a method has put some there: whoever decodes reads them
     * first. In training the model puts them there itself.
     */
    default int[] prefix() {
        return new int[0];
    }

    /** Ids that stand behind every prompt, before the text, where a method has put some there. */
    default int[] infix() {
        return new int[0];
    }

    /** Most positions of a sequence, prompt and text together; {@link #prefix} and {@link #infix} are not counted. */
    int maxLength();

    /** Where keys and values of so many positions have room. */
    KeyValuePool newPool(int positions);

    /** Bytes that a position takes in such a pool. */
    long bytesPerPosition();

    /**
     * Forward of new positions whose past is kept elsewhere.
     *
     * @param ids       (N) tokens
     * @param positions (N) their positions, from 0
     * @param wanted    the rows of the N whose logits are made, one of each sequence; null for all
     * @return logits, (wanted, V), in memory of the workspace
     * @throws org.lora4j.LoraException if a token is not in the vocabulary or a position beyond {@link #maxLength()}
     */
    Tensor next(int[] ids, int[] positions, Past past, int @Nullable [] wanted, Workspace ws);
}
