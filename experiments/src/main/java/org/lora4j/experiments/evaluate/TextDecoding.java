package org.lora4j.experiments.evaluate;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.ExampleEncoder;
import org.lora4j.experiments.evaluate.DecodedLines.Decoded;
import org.lora4j.family.LanguageModel;
import org.lora4j.generate.Beam;
import org.lora4j.generate.Generator;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.Fingerprint;

/**
 * Writes a text for every input, as the authors' scripts do: {@link Beam} search behind the input and end-of-text, up to 64
 * tokens, ended by end-of-text or by the token of a blank line; the text is cut at a blank line and stripped.
 *
 * <p>With a folder, every text is kept there as soon as it is found, and a decoding that was killed goes on with the rest.
 * That changes no text, since none depends on the inputs beside it.
 *
 * <p>GPT-2 has a token for a blank line, 628. A vocabulary that has none, as the embedded base's, stops at end-of-text
 * alone; what it writes behind a blank line is cut off all the same.
 */
public final class TextDecoding {

    /** The authors' {@code eval_len}. */
    public static final int MAX_NEW_TOKENS = 64;

    /** What ends a completion. */
    public static final String BLANK_LINE = "\n\n";

    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final Beam beam;
    private final int maxNewTokens;
    private final Set<Integer> stopIds;

    /** Is told how far a decoding is. */
    @FunctionalInterface
    public interface Listener {
        void decoded(int done, Decoded last);
    }

    public TextDecoding(LanguageModel model, Tokenizer tokenizer, Beam beam, int maxNewTokens) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.beam = beam;
        this.maxNewTokens = maxNewTokens;
        stopIds = stopIds(tokenizer);
    }

    /**
     * End-of-text, where the model's own texts end, and the token of a blank line where the vocabulary has one: {50256, 628}
     * in GPT-2's.
     */
    public static Set<Integer> stopIds(Tokenizer tokenizer) {
        Set<Integer> ids = new LinkedHashSet<>(tokenizer.stopIdsOfPairs());
        int[] blankLine = tokenizer.encodeOrdinary(BLANK_LINE);
        if (blankLine.length == 1) {
            ids.add(blankLine[0]);
        }
        return ids;
    }

    /** What is left of the tokens that were written: up to a blank line, without white space around it. */
    public static String text(Tokenizer tokenizer, int[] tokens) {
        String text = tokenizer.decodeText(tokens);
        int end = text.indexOf(BLANK_LINE);
        return (end < 0 ? text : text.substring(0, end)).strip();
    }

    /** Before any text is written, and with the input's name. */
    private void requireRoom(int input, String text, int tokens) {
        int positions = model.maxLength();
        if (tokens + maxNewTokens > positions) {
            throw new LoraException("input " + (input + 1) + " (" + Names.quoted(text) + ") has " + tokens + " tokens, and "
                    + maxNewTokens + " new ones are more than the model's " + positions + " positions: shorten it"
                    + (tokens < positions ? " or ask for at most " + (positions - tokens) + " new tokens" : ""));
        }
    }

    /** What must be the same for a decoding to be gone on with. */
    private Map<String, Object> recipe(List<String> inputs) {
        Map<String, Object> recipe = new LinkedHashMap<>();
        recipe.put("beam", beam.width());
        recipe.put("length_penalty", beam.lengthPenalty());
        recipe.put("no_repeat_ngram", beam.noRepeatNgram());
        recipe.put("max_new_tokens", maxNewTokens);
        recipe.put("inputs", inputs.size() + " inputs, " + Fingerprint.ofLines(inputs));
        recipe.put("tokenizer", tokenizer.fingerprint().substring(0, 16));
        recipe.put("weights", Fingerprint.of(model));
        return recipe;
    }

    /** Takes away the decoding that is in this folder, unless it is one that {@link #decode} would go on with. */
    public void forgetOthers(Path folder, List<String> inputs) {
        if (!DecodedLines.isOf(folder, recipe(inputs))) {
            DecodedLines.delete(folder);
        }
    }

    /** How many of the inputs an earlier decoding has left in this folder. */
    public int alreadyIn(Path folder, List<String> inputs) {
        return DecodedLines.open(folder, recipe(inputs)).count();
    }

    /**
     * The texts, in the order of the inputs.
     *
     * @param inputs contexts, as {@link org.lora4j.data.TextPair#completionsByContext} has them
     * @param folder where they are kept while they are found; null to keep none
     * @throws org.lora4j.LoraException if an input and its text do not fit the model's positions, or the folder holds another
     *                                  decoding
     */
    public List<Decoded> decode(List<String> inputs, Path folder, Listener listener) {
        DecodedLines kept = folder == null ? null : DecodedLines.open(folder, recipe(inputs));
        List<Integer> open = IntStream.range(0, inputs.size()).filter(i -> kept == null || !kept.has(i)).boxed().toList();
        ExampleEncoder encoder = new ExampleEncoder(tokenizer, model.maxLength());
        List<int[]> prompts = open.stream().map(i -> encoder.encodePrompt(inputs.get(i))).toList();
        prompts.forEach(prompt -> tokenizer.requireRows(model.sizes().vocabulary(), prompt));
        for (int i = 0; i < prompts.size(); i++) {
            requireRoom(open.get(i), inputs.get(open.get(i)), prompts.get(i).length);
        }
        Map<Integer, Decoded> found = new LinkedHashMap<>();
        new Generator(model).beam(prompts, maxNewTokens, stopIds, beam, (number, hypothesis) -> {
            int input = open.get(number);
            Decoded decoded = new Decoded(input, text(tokenizer, hypothesis.tokens()), hypothesis.tokens().length,
                    hypothesis.logProbability(), hypothesis.score(), hypothesis.stopped());
            found.put(input, decoded);
            if (kept != null) {
                kept.append(decoded);
            }
            listener.decoded(inputs.size() - open.size() + found.size(), decoded);
        });
        if (kept != null) {
            return kept.all();
        }
        List<Decoded> inOrder = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            inOrder.add(found.get(i));
        }
        return inOrder;
    }
}
