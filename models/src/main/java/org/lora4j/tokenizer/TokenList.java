package org.lora4j.tokenizer;

import com.google.common.primitives.ImmutableIntArray;

/** The ids of a text as they come, word by word, and how many each word has. */
final class TokenList {

    private static final int ADDED = 0; // in place of a word's size: an added token, which is one

    private final ImmutableIntArray.Builder ids = ImmutableIntArray.builder();
    private final ImmutableIntArray.Builder words = ImmutableIntArray.builder();
    private int size;
    private int wordBegan;

    void add(int id) {
        ids.add(id);
        size++;
    }

    void endWord() {
        if (size > wordBegan) {
            words.add(size - wordBegan);
            wordBegan = size;
        }
    }

    void addToken(int id) {
        add(id);
        words.add(ADDED);
        wordBegan = size;
    }

    int[] ids() {
        return ids.build().toArray();
    }

    /**
     * How many tokens are left if words are taken, from one end of the text, until there are enough. Added tokens behind the
     * last word that is taken count as long as no other word comes. That is how Hugging Face's library measures two texts, of
     * which the longer gets the odd token.
     */
    int limited(int enough, Side cutAt) {
        ImmutableIntArray sizes = words.build();
        int total = 0;
        for (int i = 0; i < sizes.length(); i++) {
            int word = sizes.get(cutAt == Side.LEFT ? sizes.length() - 1 - i : i);
            total += word == ADDED ? 1 : word;
            if (word != ADDED && total >= enough) {
                break;
            }
        }
        return total;
    }
}
