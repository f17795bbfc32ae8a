/** Writing text with a language model: greedy, sampled and beam search, choices in one loop over shared keys and values. */
@NullMarked
package org.lora4j.generate;

import org.jspecify.annotations.NullMarked;
