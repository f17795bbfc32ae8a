/** Writing text with a language model: greedy, sampled and beam search, choices in one loop over shared keys and values. */
package org.lora4j.generate;
