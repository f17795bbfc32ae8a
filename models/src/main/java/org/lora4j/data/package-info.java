/**
 * From files to batches: pairs of context and completion, their tokens, and the order in which they are trained on.
 *
 * <pre>
 *   {@link org.lora4j.data.DataSets} → {@link org.lora4j.data.TextPair} → {@link org.lora4j.data.ExampleEncoder}
 *     → {@link org.lora4j.data.EncodedExample} → {@link org.lora4j.data.LengthGroupedBatches} → {@link org.lora4j.data.Batch}
 * </pre>
 *
 * {@link org.lora4j.data.E2e}, {@link org.lora4j.experiments.data.WebNlg} and {@link org.lora4j.experiments.data.Dart} are the paper's data-to-text
 * tasks; {@link org.lora4j.experiments.data.DataName} finds data by the name a user gives, {@link org.lora4j.data.PromptFile} reads prompts.
 */
package org.lora4j.data;
