/**
 * The parts that a {@code tokenizer.json} is put together from, each as Hugging Face's tokenizers library 0.23 has it:
 *
 * <pre>
 *   text → {@link org.lora4j.tokenizer.pipeline.Normalizer} → {@link org.lora4j.tokenizer.pipeline.Splitter} → words
 *        → {@link org.lora4j.tokenizer.pipeline.SubwordModel} → ids → {@link org.lora4j.tokenizer.pipeline.Template}
 *   ids  → tokens → {@link org.lora4j.tokenizer.pipeline.TokenDecoder} → text
 * </pre>
 */
@NullMarked
package org.lora4j.tokenizer.pipeline;

import org.jspecify.annotations.NullMarked;
