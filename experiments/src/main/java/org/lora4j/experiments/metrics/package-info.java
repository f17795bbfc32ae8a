/**
 * How good generated text and predicted labels are, by the measures of the paper's tables.
 *
 * <pre>
 *   {@link org.lora4j.experiments.metrics.Corpus}, hypotheses and their references → {@link org.lora4j.experiments.metrics.Metric} → {@link org.lora4j.experiments.metrics.Score}
 *
 *   {@link org.lora4j.experiments.metrics.E2eScores}: {@link org.lora4j.experiments.metrics.Bleu}, {@link org.lora4j.experiments.metrics.Nist}, {@link org.lora4j.experiments.metrics.Meteor}, {@link org.lora4j.experiments.metrics.RougeL}, {@link org.lora4j.experiments.metrics.Cider}
 * </pre>
 *
 * Each is written from its paper and the program whose figures the field publishes, and says in its Javadoc which one
 * that is and to how many digits the two agree; docs/metrics.md shows how to see it.
 */
package org.lora4j.experiments.metrics;
