package org.lora4j.model;

import org.jspecify.annotations.Nullable;
import org.lora4j.nn.Past;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** A model that says what comes next. */
public interface CausalModel extends Model {

    /**
     * Forward of new positions whose past is kept elsewhere.
     *
     * @param ids       (N) tokens
     * @param positions (N) their positions
     * @param wanted    the rows of the N whose logits are made, one of each sequence; null for all
     * @return logits, (wanted, V), in memory of the workspace
     */
    Tensor next(int[] ids, int[] positions, Past past, int @Nullable [] wanted, Workspace ws);
}
