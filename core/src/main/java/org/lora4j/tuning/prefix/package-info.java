/**
 * Methods that put trained special tokens into every sequence: the paper's prefix-embedding and prefix-layer tuning, and prompt
 * tuning, P-tuning and prefix tuning with PEFT's parametrisation. One {@link org.lora4j.tuning.prefix.SpecialTokenMethod} each;
 * in a model they are a {@link org.lora4j.tuning.prefix.SpecialTokenTuning}.
 */
@NullMarked
package org.lora4j.tuning.prefix;

import org.jspecify.annotations.NullMarked;
