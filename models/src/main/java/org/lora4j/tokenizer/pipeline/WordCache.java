package org.lora4j.tokenizer.pipeline;

import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/** Words repeat: the ids of short ones are remembered, up to about 20 MB of them. */
final class WordCache {

    private static final int WORDS = 1 << 16;
    private static final int LENGTH = 64;

    private final ConcurrentHashMap<String, int[]> known = new ConcurrentHashMap<>();

    /** @param encode hands the word's ids on, called where the word is not known */
    void encode(String word, IntConsumer ids, Consumer<IntConsumer> encode) {
        if (word.length() > LENGTH) {
            encode.accept(ids);
            return;
        }
        int[] found = known.get(word);
        if (found == null) {
            Ids all = new Ids();
            encode.accept(all);
            found = all.toArray();
            if (known.size() < WORDS) {
                known.put(word, found);
            }
        }
        for (int id : found) {
            ids.accept(id);
        }
    }

    /** A list of ids that grows. */
    static final class Ids implements IntConsumer {

        private int[] ids = new int[8];
        private int count;

        @Override
        public void accept(int id) {
            if (count == ids.length) {
                ids = Arrays.copyOf(ids, count * 2);
            }
            ids[count++] = id;
        }

        int[] toArray() {
            return Arrays.copyOf(ids, count);
        }
    }
}
