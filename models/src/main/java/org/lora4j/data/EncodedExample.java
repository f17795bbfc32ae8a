package org.lora4j.data;

/**
 * A pair as the model is trained on it:
 *
 * <pre>
 *   tokens   context …  ⏎  completion …  ⏎          ⏎ = end-of-text
 *   targets                ‾‾‾‾‾‾‾‾‾‾‾‾‾‾‾
 *                       ↑ completionStart is the index of the first one
 * </pre>
 *
 * Every token from completionStart on is predicted from all before it, the closing end-of-text too: that is how the model
 * learns to stop. The context is read, never predicted (eq. 1 and 2 of the paper sum over the completion).
 *
 * @param tokens          not copied; treat as constant
 * @param completionStart at least 1, since the first token is predicted from nothing
 */
public record EncodedExample(int[] tokens, int completionStart) {

    public EncodedExample {
        if (completionStart < 1 || completionStart > tokens.length) {
            throw new IllegalArgumentException(
                    "a completion begins at 1 to " + tokens.length + ", the number of tokens, found " + completionStart);
        }
    }

    public int length() {
        return tokens.length;
    }

    /** How many tokens the loss is taken over. */
    public int targets() {
        return tokens.length - completionStart;
    }
}
