package org.lora4j.server;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.lora4j.chat.ChatEncoder;
import org.lora4j.family.Labels;
import org.lora4j.train.PromptFormat;

/**
 * A name that requests may ask for: an adapter, in memory or on disk, or the base. What is not final belongs to the engine's
 * thread, but for {@link #inMemory}, which others may look at.
 */
final class ServedAdapter {

    final String name;
    /** What its set calls it: another adapter may get the name while the last answers of this one are being written. */
    final String inside;
    /** Null for the base. */
    final @Nullable Path folder;
    /** How it wants to be asked for a text; null of a classifier. */
    final @Nullable PromptFormat format;
    final @Nullable ChatEncoder chats;
    final Facts facts;
    final long since = System.currentTimeMillis() / 1000;

    /** Of a classifier whose adapter names them. */
    @Nullable Labels labels;
    volatile boolean inMemory;
    boolean loading;
    /** Unloaded by a client: gone when its last answer is. */
    boolean leaving;
    /** Nothing of it begins, so that another one gets its place. */
    boolean held;
    /** Whether something of it began since it came into memory: before, it is not held back. */
    boolean begun;
    int users;
    /** Behind all that was asked of it, in tokens; see {@link TextWork}. */
    long end;
    long lastUsed;
    final Deque<Writing> waiting = new ArrayDeque<>();

    /**
     * What is said of it.
     *
     * @param rank       the largest; 0 for the base
     * @param parameters its numbers
     * @param metadata   of its file
     */
    record Facts(int rank, long parameters, Map<String, String> metadata) {
    }

    ServedAdapter(
            String name, String inside, @Nullable Path folder, @Nullable PromptFormat format, @Nullable ChatEncoder chats, Facts facts) {
        this.name = name;
        this.inside = inside;
        this.folder = folder;
        this.format = format;
        this.chats = chats;
        this.facts = facts;
    }

    boolean isBase() {
        return folder == null;
    }

    /** Whether it can go from memory now. */
    boolean isIdle() {
        return inMemory && users == 0 && !isBase();
    }
}
