package org.lora4j.experiments.metrics;

import java.util.List;

/**
 * The five scores of the E2E challenge, and of the paper's Table 3, in the scale of the E2E scorer: BLEU, METEOR and
 * ROUGE-L between 0 and 1, of which the paper prints 100 times the value; NIST and CIDEr as they are.
 *
 * <p>BLEU, NIST, ROUGE-L and CIDEr equal the scorer's to the four digits that it prints. METEOR does not: see
 * {@link Meteor}, and call it what it is.
 *
 * @param bleu   {@link Bleu}
 * @param nist   {@link Nist}
 * @param meteor {@link Meteor}: without paraphrases
 * @param rougeL {@link RougeL}
 * @param cider  {@link Cider}
 */
public record E2eScores(double bleu, double nist, double meteor, double rougeL, double cider) {

    /**
     * Scores one hypothesis for each input.
     *
     * @param hypotheses in the order of the inputs; empty where nothing was written
     * @param references what people wrote for each input, at least one each; as
     *                   {@link org.lora4j.data.TextPair#completionsByContext} groups them
     * @throws org.lora4j.LoraException if the two differ in length or an input has no reference
     */
    public static E2eScores of(List<String> hypotheses, List<List<String>> references) {
        return of(new Corpus(hypotheses, references));
    }

    /**
     * All five scores.
     *
     * @see #of(List, List)
     */
    public static E2eScores of(Corpus corpus) {
        Corpus prepared = CaptionTokenizer.tokenize(corpus);
        return new E2eScores(
                new Bleu().score(corpus).value(),
                new Nist().score(corpus).value(),
                new Meteor().scorePrepared(prepared).value(),
                new RougeL().scorePrepared(prepared).value(),
                new Cider().scorePrepared(prepared).value());
    }
}
