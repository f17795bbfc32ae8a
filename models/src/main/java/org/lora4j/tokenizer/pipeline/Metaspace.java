package org.lora4j.tokenizer.pipeline;

import java.util.ArrayList;
import java.util.List;

/**
 * SentencePiece's spelling of spaces: a visible sign, ▁, stands for each, and a word begins with it. As a decoder the other
 * way round; the first token's signs go where one was put before the text.
 *
 * @param replacement the sign
 * @param scheme      whether a text that does not begin with one gets one
 * @param cut         whether to cut before every sign
 */
public record Metaspace(int replacement, Scheme scheme, boolean cut) implements Splitter, TokenDecoder {

    /** Which texts get a sign before them: each that lies between added tokens, the beginning alone, or none. */
    public enum Scheme {
        ALWAYS, FIRST, NEVER
    }

    @Override
    public void split(String text, boolean begins, Words use) {
        String sign = Character.toString(replacement);
        String spelt = text.replace(" ", sign);
        boolean prepend = scheme == Scheme.ALWAYS || scheme == Scheme.FIRST && begins;
        if (prepend && !spelt.startsWith(sign)) {
            spelt = sign + spelt;
        }
        if (!cut) {
            if (!spelt.isEmpty()) {
                use.accept(spelt, begins);
            }
            return;
        }
        int from = 0;
        while (from < spelt.length()) { // every sign goes with what follows it; of several, each is a word but the last
            int next = spelt.indexOf(sign, spelt.startsWith(sign, from) ? from + sign.length() : from);
            int to = next < 0 ? spelt.length() : next;
            use.accept(spelt.substring(from, to), begins && from == 0);
            from = to;
        }
    }

    @Override
    public List<String> decode(List<String> tokens) {
        String sign = Character.toString(replacement);
        List<String> result = new ArrayList<>(tokens.size());
        for (String token : tokens) {
            result.add(token.replace(sign, result.isEmpty() && scheme != Scheme.NEVER ? "" : " "));
        }
        return result;
    }
}
