package org.lora4j.nn;

import org.lora4j.backend.DropoutMask;
import org.lora4j.tensor.Tensor;

/**
 * Inverted dropout (Srivastava et al. 2014): in training, each element is zeroed with probability p and the rest
 * multiplied by 1/(1 − p); otherwise nothing happens. Forward and backward are the same map.
 *
 * <p>The mask is a pure function of seed, step, site and element (see {@code DropoutMask}), so nothing is stored for
 * backward, and a resumed run or another backend drops the same elements.
 *
 * @param p    probability of dropping
 * @param site different for every dropout of a model
 */
public record Dropout(double p, int site) {

    /** Drops nothing. */
    public static final Dropout NONE = new Dropout(0, 0);

    /** Whether this pass drops anything. */
    public boolean isActive(Workspace ws) {
        return ws.dropping() && p > 0;
    }

    /** Which elements of this place this pass drops; {@link DropoutMask#NONE} where it drops nothing. */
    public DropoutMask mask(Workspace ws) {
        return ws.dropout(p, site);
    }

    /** y ← dropout(x); y may be x. Backward is the same call on the gradients. */
    public void apply(Tensor x, Tensor y, Workspace ws) {
        ws.backend().dropout(x, y, mask(ws));
    }

    /** x ← dropout(x), and nothing at all where this pass drops nothing. */
    public void applyInPlace(Tensor x, Workspace ws) {
        if (isActive(ws)) {
            apply(x, x, ws);
        }
    }
}
