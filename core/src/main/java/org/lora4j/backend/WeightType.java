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
    INT8,
    /**
     * Four bits and a scale in eight bits for each block of 64, as QLoRA has it ({@link FourBitWeights}). Tables of tokens and
     * heads, which are gathered from and give the logits, are held in bfloat16 then.
     */
    NF4;

    /** Bytes of a weight, without factors of rows and scales of blocks. */
    public double bytes() {
        return switch (this) {
            case FLOAT32 -> 4;
            case BF16 -> 2;
            case INT8 -> 1;
            case NF4 -> 0.5;
        };
    }

    /** How tables of tokens and heads are held where other matrices are held so. */
    public WeightType ofTables() {
        return this == NF4 ? BF16 : this;
    }
}
