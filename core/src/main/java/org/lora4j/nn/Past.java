package org.lora4j.nn;

import org.lora4j.tensor.MatrixView;

/**
 * What new positions see of those before them, and where their own keys and values go. The Transformer asks for nothing
 * else, so the code that decodes is free in how it keeps the past of several sequences, and in what of it they share.
 */
@FunctionalInterface
public interface Past {

    /**
     * y ← attention of the new positions' queries to all they may see, their own keys among them; keeps k and v for
     * positions to come.
     *
     * @param layer the block's number
     * @param q     (N, C); read
     * @param k     (N, C), the new positions' keys; read
     * @param v     (N, C), the new positions' values; read
     * @param nHead number of heads
     * @param scale what multiplies q·k
     * @param y     (N, C); written
     */
    void attend(int layer, MatrixView q, MatrixView k, MatrixView v, int nHead, double scale, MatrixView y, Workspace ws);
}
