package org.lora4j.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** The matrix product. */
final class Gemm {

    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    Gemm(Workers workers) {
    }

    void freeze(float[] constant) {
    }

    void multiply(
            int m, int n, int k, float[] a, int aOffset, int aStride, boolean aTransposed,
            float[] b, int bOffset, int bStride, boolean bTransposed,
            float[] c, int cOffset, int cStride, float alpha, float beta, float[] bias) {
        throw new UnsupportedOperationException();
    }
}
