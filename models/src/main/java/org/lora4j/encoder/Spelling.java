package org.lora4j.encoder;

import org.jspecify.annotations.Nullable;

/**
 * How a family's {@code config.json} calls what all encoders have, and what is meant where it says nothing. Names that all
 * share, such as {@code vocab_size}, are not here.
 *
 * @param sizes        the fields of the sizes
 * @param activation   the feed-forward's
 * @param dropout      on embeddings and branches
 * @param attention    dropout on attention's weights
 * @param head         dropout in the head
 * @param headDropout  what {@code head} means where the file says nothing; null for what {@code dropout} is
 * @param defaults     what others mean
 */
public record Spelling(Sizes sizes, String activation, String dropout, String attention, String head,
        @Nullable Double headDropout, Defaults defaults) {

    /** The fields of C, the number of blocks, the number of heads, the feed-forward's inner width. */
    public record Sizes(String width, String blocks, String heads, String inner) {
    }

    /**
     * @param vocabulary V
     * @param padding    {@code pad_token_id}
     * @param blocks     number of blocks
     * @param types      token types; 0 for a family without them, which has no such field
     * @param epsilon    of the norms where there is a field for it, {@code layer_norm_eps}
     * @param anyEpsilon whether there is
     * @param positions  how positions are counted
     */
    public record Defaults(
            int vocabulary, int padding, int blocks, int types, double epsilon, boolean anyEpsilon, Positions positions) {
    }

    /** How a row's position is counted. */
    public enum Positions {
        /** From 0 at a row's first column, padding or not. */
        COLUMNS,
        /**
         * From p + 1 on, where p is {@code pad_token_id}, at the first id that is not p; ids that are stand at position p
         * themselves. The mask has no say.
         */
        BEHIND_PADDING
    }
}
