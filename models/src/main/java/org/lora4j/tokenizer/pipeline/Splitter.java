package org.lora4j.tokenizer.pipeline;

import java.util.List;

/** Cuts a text into words, which the model never joins again, and may rewrite them. Safe for use by several threads. */
@FunctionalInterface
public interface Splitter {

    /** The text is one word. */
    Splitter NONE = (text, begins, use) -> use.accept(text, begins);

    /** Takes words in the text's order. */
    @FunctionalInterface
    interface Words {

        /** @param begins whether the word begins where the whole text does */
        void accept(String word, boolean begins);
    }

    /**
     * Calls for each word; words are not empty.
     *
     * @param begins whether the text is the beginning of the whole one
     */
    void split(String text, boolean begins, Words use);

    /** Each cuts further what the one before it has cut. */
    static Splitter sequence(List<Splitter> parts) {
        Splitter all = NONE;
        for (Splitter part : parts.reversed()) {
            Splitter rest = all;
            all = rest == NONE ? part
                    : (text, begins, use) -> part.split(text, begins, (word, first) -> rest.split(word, first, use));
        }
        return all;
    }
}
