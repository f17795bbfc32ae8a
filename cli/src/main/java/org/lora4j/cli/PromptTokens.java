package org.lora4j.cli;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.tokenizer.Tokenizer;

/**
 * Prompts as tokens. All of them are looked at before the first text is written: one that does not fit is no reason to lose
 * what is finished.
 */
final class PromptTokens {

    private final Tokenizer tokenizer;
    private final int vocabulary;
    private final ExampleEncoder pairs;

    /** @param vocabulary the model's number of tokens */
    PromptTokens(Tokenizer tokenizer, int vocabulary) {
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
        this.pairs = new ExampleEncoder(tokenizer, Integer.MAX_VALUE);
    }

    /** The text's tokens; behind nothing a text begins as after end-of-text, which is how Transformers begins one too. */
    int[] of(String text, boolean pair) {
        int[] ids = pair ? pairs.encodePrompt(text)
                : text.isEmpty() ? new int[] {tokenizer.endOfText()} : tokenizer.encode(text);
        tokenizer.requireRows(vocabulary, ids);
        return ids;
    }

    /** The same ids, of which each has a row in the model. */
    int[] known(int[] ids) {
        tokenizer.requireRows(vocabulary, ids);
        return ids;
    }

    /**
     * @param places where each prompt was given: {@code --prompts FILE: line 3}
     * @param positions of the model
     * @throws LoraException if prompt and new tokens are more than the positions, naming the first such prompt and counting
     *                       the others
     */
    static void requireRoom(List<int[]> prompts, List<String> places, int maxNewTokens, int positions) {
        List<Integer> tooLong = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            if ((long) prompts.get(i).length + maxNewTokens > positions) {
                tooLong.add(i);
            }
        }
        if (!tooLong.isEmpty()) {
            int first = tooLong.getFirst();
            int tokens = prompts.get(first).length;
            throw new LoraException(Names.oneLine(places.get(first)) + " has " + tokens + " tokens, and " + maxNewTokens
                    + " new ones are more than the model's " + positions + " positions"
                    + (tooLong.size() == 1 ? ""
                            : "; so are " + (tooLong.size() - 1) + " more of the " + prompts.size() + " prompts")
                    + ". Shorten it" + (tokens < positions ? " or give --max-new-tokens " + (positions - tokens) : ""));
        }
    }
}
