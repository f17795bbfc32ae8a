package org.lora4j.tokenizer.pipeline;

import java.util.Map;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.lora4j.LoraException;
import org.lora4j.Names;

/** A word is a token or unknown. */
public final class WordLevel implements SubwordModel {

    private final Vocabulary vocabulary;
    private final String unknown;

    /** @param unknown the token of every word that is none; an error at the first such word if it is none itself */
    public WordLevel(Map<String, Integer> vocabulary, String unknown) {
        this.vocabulary = new Vocabulary(vocabulary);
        this.unknown = unknown;
    }

    @Override
    public void encode(String word, IntConsumer ids) {
        Integer id = vocabulary.id(word);
        id = id == null ? vocabulary.id(unknown) : id;
        if (id == null) {
            throw new LoraException("the tokenizer has no token " + Names.quoted(word) + ", and none for unknown words either: "
                    + Names.quoted(unknown) + ", its unk_token, is not in its vocabulary");
        }
        ids.accept(id);
    }

    @Override
    public Map<String, Integer> vocabulary() {
        return vocabulary.ids();
    }

    @Override
    public @Nullable String token(int id) {
        return vocabulary.token(id);
    }

    @Override
    public String describe() {
        return "WordLevel " + unknown;
    }
}
