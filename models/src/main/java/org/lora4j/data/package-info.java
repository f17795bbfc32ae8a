/**
 * From files to batches: pairs of context and completion, their tokens, and the order in which they are trained on.
 *
 * <pre>
 *   {@link org.lora4j.data.DataSets} → {@link org.lora4j.data.TextPair} → {@link org.lora4j.data.ExampleEncoder}
 *     → {@link org.lora4j.data.EncodedExample} → {@link org.lora4j.data.LengthGroupedBatches} → {@link org.lora4j.data.Batch}
 * </pre>
 *
 * {@link org.lora4j.data.PromptFile} reads prompts. The readers of the paper's own data-to-text tasks are in the module
 * {@code experiments}.
 */
@NullMarked
package org.lora4j.data;

import org.jspecify.annotations.NullMarked;
