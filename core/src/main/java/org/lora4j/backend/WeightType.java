package org.lora4j.backend;

/**
 * How the weights of a frozen base are held in memory. The arithmetic stays the backend's own; a smaller type is read
 * faster, which is what decoding waits for, and rounds the weights once, when they are loaded.
 */
public enum WeightType {
    /** Four bytes; every number as it was loaded, on a backend of floats. */
    FLOAT32,
    /** Two bytes: 8 bits of precision, rounded to nearest even, so |error| ≤ 2⁻⁸·|w|. Exact where the file is in bfloat16. */
    BF16,
    /**
     * One byte and a factor for each row (an output of a linear map, a token of an embedding): w ≈ q·s with q a whole
     * number in −127 … 127 and s = max|w|/127 over the row, so |error| ≤ s/2.
     */
    INT8;

    /** Bytes of a weight, without the rows' factors. */
    public int bytes() {
        return switch (this) {
            case FLOAT32 -> 4;
            case BF16 -> 2;
            case INT8 -> 1;
        };
    }
}
