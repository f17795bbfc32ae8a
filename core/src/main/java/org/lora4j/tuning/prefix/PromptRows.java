package org.lora4j.tuning.prefix;

import org.lora4j.nn.Layer;
import org.lora4j.nn.Workspace;
import org.lora4j.tensor.Tensor;

/** What stands in the special rows of a sequence, (n, W): trained itself, or made by a network that is. */
interface PromptRows extends Layer {

    /** Makes them for a pass, and in training prepares their gradient. */
    void begin(Workspace ws);

    /** Those of this pass. */
    Tensor made(Workspace ws);

    /** Where the layers that use them add ∂L/∂(rows); null where nothing here trains. */
    Tensor gradient(Workspace ws);

    /** From {@link #gradient} to those of the parameters. */
    void backward(Workspace ws);
}
