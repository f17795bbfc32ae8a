/**
 * Methods of adaptation. A {@link org.lora4j.tuning.TuningMethod} says what it puts into a model and what of it trains; on a
 * model it is a {@link org.lora4j.tuning.Tuning}, which knows what trains, how it is saved and how it is taken out again.
 * LoRA has a package of its own, {@code tuning.lora}.
 */
@NullMarked
package org.lora4j.tuning;

import org.jspecify.annotations.NullMarked;
