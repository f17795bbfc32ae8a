package org.lora4j.nn;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.lora4j.backend.AttentionHeads;

/**
 * The place in a block's attention, between its keys and values and the queries that see them, where a method can put a
 * {@link KeyValueInsert}. While it is empty nothing is computed for it.
 */
public final class KeyValuePlace implements Layer {

    private final String name;
    private final AttentionRule rule;
    private @Nullable KeyValueInsert insert;

    KeyValuePlace(String name, AttentionRule rule) {
        this.name = name;
        this.rule = rule;
    }

    /** Such as {@code transformer.h.0.attn.keys_values}. */
    public String name() {
        return name;
    }

    /** The number of its block, counted from 0. */
    public int block() {
        return rule.block();
    }

    /** The heads of keys and values, and their size. */
    public AttentionHeads heads() {
        return rule.heads();
    }

    /** Whether nothing is there. */
    public boolean isEmpty() {
        return insert == null;
    }

    /**
     * Puts something there.
     *
     * @throws IllegalStateException if something is there already
     */
    public void put(KeyValueInsert insert) {
        if (this.insert != null) {
            throw new IllegalStateException(name + " is taken by " + this.insert.getClass().getSimpleName());
        }
        this.insert = insert;
    }

    /** Empties it. */
    public void clear() {
        insert = null;
    }

    void forward(QueriesKeysValues in, Workspace ws) {
        if (insert != null) {
            insert.forward(in, ws);
        }
    }

    void backward(QueriesKeysValues gradient, Workspace ws) {
        if (insert != null) {
            insert.backward(gradient, ws);
        }
    }

    @Override
    public List<Parameter> parameters() {
        return insert == null ? List.of() : insert.parameters();
    }
}
