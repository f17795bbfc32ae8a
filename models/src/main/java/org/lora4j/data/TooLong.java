package org.lora4j.data;

/** What becomes of an example with more tokens than the model has positions. */
public enum TooLong {

    /** An error that names the example: nothing is lost unnoticed. */
    FAIL,

    /** The context loses tokens at its beginning; the completion is kept whole, and one that is itself too long is an error. */
    TRUNCATE_CONTEXT,

    /** The example is left out, and its line is named in a remark. */
    DROP
}
