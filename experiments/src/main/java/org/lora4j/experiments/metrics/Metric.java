package org.lora4j.experiments.metrics;

/** A measure of how near hypotheses come to their references. Stateless: one instance serves any number of threads. */
public interface Metric {

    /** As the field writes it: {@code BLEU}, {@code ROUGE-L}. */
    String name();

    /** Scores a corpus, whole and by segment; the same corpus gives the same bits each time. */
    Score score(Corpus corpus);
}
