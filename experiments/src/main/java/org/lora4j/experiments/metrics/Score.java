package org.lora4j.experiments.metrics;

import java.util.List;

/**
 * What a metric says about a corpus.
 *
 * @param value    of the whole corpus, which for most metrics is no mean of the segments
 * @param segments of each segment by itself, in the corpus's order
 */
public record Score(double value, List<Double> segments) {

    /** Keeps its own list of the segments. */
    public Score {
        segments = List.copyOf(segments);
    }
}
