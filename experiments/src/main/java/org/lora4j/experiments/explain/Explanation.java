package org.lora4j.experiments.explain;

import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What base and adapted model say of one input, and how the answer moves from one to the other as the updates of more and more
 * layers are switched on.
 *
 * @param tokens of a language model; empty for a classifier
 * @param labels of a classifier; empty for a language model
 * @param stages from the lowest layer up; what each adds to those before it
 */
public record Explanation(List<TokenLine> tokens, List<LabelLine> labels, List<StageLine> stages, Summary summary) {

    /**
     * A position.
     *
     * @param text of the token that stands there
     * @param next the token that follows; null at the end
     */
    public record TokenLine(int position, int id, String text, @Nullable Word next, Expected base, Expected adapted) {
    }

    /** A token of the vocabulary. */
    public record Word(int id, String text) {
    }

    /**
     * What a model expects behind a position.
     *
     * @param top            the likeliest, the first of equal ones
     * @param rank           how many are likelier than the one that follows, plus one; 0 at the end
     * @param logProbability of the one that follows; NaN at the end
     */
    public record Expected(List<Likely> top, int rank, double logProbability) {
    }

    /** A token and its probability. */
    public record Likely(int id, String text, double probability) {
    }

    /** A label: probability p = softmax(score) before and after, or in regression the score alone. */
    public record LabelLine(String name, double baseScore, double adaptedScore, double baseProbability, double adaptedProbability) {
    }

    /**
     * What a layer's update adds to those of all layers below it.
     *
     * @param layer       its block, or −1
     * @param change      of the log-probability of what follows, in the mean over positions that something follows; of a classifier,
     *                    of the label that the adapted model chooses; in regression, of the score
     * @param moved       the root mean square of the change of the logits, their common shift taken off, in the mean over positions
     * @param divergence  KL(with ‖ without) in the mean over positions, in nats; NaN in regression
     * @param perPosition the change at each position; of a classifier the probability of each label with the update on
     */
    public record StageLine(String name, int layer, double change, double moved, double divergence, double[] perPosition) {
    }

    /**
     * Over all positions that something follows.
     *
     * @param baseLogProbability mean of the base; of a classifier, of the label that the adapted model chooses
     * @param adaptedLogProbability the same of the adapted model
     * @param wholeStaysOn whether the base here has what the adapter trains as a whole, a classifier's head say
     * @param regression   whether there is one number instead of labels
     */
    public record Summary(double baseLogProbability, double adaptedLogProbability, boolean wholeStaysOn, boolean regression) {
    }

    /** The stage that moved the logits most; null where there is none. */
    public @Nullable StageLine strongest() {
        return stages.stream().max(Comparator.comparingDouble(StageLine::moved)).orElse(null);
    }
}
