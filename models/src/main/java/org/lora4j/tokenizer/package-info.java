/**
 * Text to token ids and back: GPT-2's byte-level BPE, and RoBERTa's numbering of the same tokens.
 *
 * <p>{@link org.lora4j.tokenizer.Tokenizer} is what the rest of the project sees.
 */
@NullMarked
package org.lora4j.tokenizer;

import org.jspecify.annotations.NullMarked;
