package org.lora4j.nn;

import java.util.List;
import java.util.Optional;

/**
 * A named place in a block that is empty in the base, where a method can put an {@link Insert}. While it is empty nothing
 * is computed for it and no memory kept; when it is empty again, the model is the base to the bit.
 */
public final class Place implements Layer {

    /** Where in a block. */
    public enum Where {
        /** On the attention's branch, behind its dropout and before it joins the stream. */
        ATTENTION_BRANCH,
        /** On the feed-forward's branch, behind its dropout and before it joins the stream. */
        FEED_FORWARD_BRANCH,
        /** Behind the block, on all that it gives. */
        AFTER_BLOCK
    }

    private final String name;
    private final int block;
    private final Where where;
    private Insert insert;

    Place(String name, int block, Where where) {
        this.name = name;
        this.block = block;
        this.where = where;
    }

    /** Such as {@code transformer.h.0.attn.branch}. */
    public String name() {
        return name;
    }

    /** The number of its block, counted from 0. */
    public int block() {
        return block;
    }

    /** Where in the block it is. */
    public Where where() {
        return where;
    }

    /** Whether nothing is there. */
    public boolean isEmpty() {
        return insert == null;
    }

    /** What is there. */
    public Optional<Insert> insert() {
        return Optional.ofNullable(insert);
    }

    /**
     * Puts something there.
     *
     * @throws IllegalStateException if something is there already: two methods in one place would have to agree on an order
     */
    public void put(Insert insert) {
        if (this.insert != null) {
            throw new IllegalStateException(name + " is taken by " + this.insert.getClass().getSimpleName() + ", found "
                    + insert.getClass().getSimpleName() + " too: take the first one out, or put one that does both");
        }
        this.insert = insert;
    }

    /** Empties it. */
    public void clear() {
        insert = null;
    }

    @Override
    public List<Parameter> parameters() {
        return insert == null ? List.of() : insert.parameters();
    }
}
