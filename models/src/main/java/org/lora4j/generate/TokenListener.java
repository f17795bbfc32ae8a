package org.lora4j.generate;

/** Hears the tokens of a request as they are chosen, and may end a text. */
public interface TokenListener {

    /**
     * Hears a token.
     *
     * @param sample which of the request's texts, from 0
     * @return whether that text shall go on; what is returned for its last token changes nothing
     */
    boolean token(int sample, int id);

    /** Told before {@link #token}, where the request asks for likelihoods. */
    default void likelihood(int sample, Likelihood likelihood) {
    }

    /** A text is finished, for whatever reason. */
    default void ended(int sample, Written text) {
    }
}
