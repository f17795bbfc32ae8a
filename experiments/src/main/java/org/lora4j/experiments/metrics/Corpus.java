package org.lora4j.experiments.metrics;

import java.util.ArrayList;
import java.util.List;
import org.lora4j.LoraException;

/**
 * What was written and what people wrote: segment by segment one hypothesis and at least one reference.
 *
 * @param hypotheses one for each segment; an empty one is a segment for which nothing was written
 * @param references for each segment, those it is compared with; segments may have different numbers of them
 */
public record Corpus(List<String> hypotheses, List<List<String>> references) {

    /**
     * Requires an output for each segment, and a reference for each.
     *
     * @throws LoraException if the two differ in length, there is no segment, or one has no reference
     */
    public Corpus {
        if (hypotheses.size() != references.size()) {
            throw new LoraException(hypotheses.size() + " hypotheses, but references for " + references.size()
                    + " segments. Give one hypothesis for each segment");
        }
        if (hypotheses.isEmpty()) {
            throw new LoraException("nothing to score: there are no hypotheses");
        }
        for (int segment = 0; segment < references.size(); segment++) {
            if (references.get(segment).isEmpty()) {
                throw new LoraException("segment " + (segment + 1) + " has no reference. Each needs at least one");
            }
        }
        hypotheses = List.copyOf(hypotheses);
        references = references.stream().map(List::copyOf).toList();
    }

    /** One reference for each hypothesis. */
    public static Corpus ofSingle(List<String> hypotheses, List<String> references) {
        return new Corpus(hypotheses, references.stream().map(List::of).toList());
    }

    /** How many segments there are. */
    public int size() {
        return hypotheses.size();
    }


    /** All references, segment after segment. */
    List<String> flatReferences() {
        List<String> all = new ArrayList<>();
        references.forEach(all::addAll);
        return all;
    }
}
