/**
 * Training: a plan, the step, the loop around it, evaluation, checkpoints from which a killed run goes on bit for bit, and
 * the log of what happened. {@link org.lora4j.train.FineTuning} is where to begin; {@link org.lora4j.train.Trainer} trains
 * any task, {@link org.lora4j.train.Step} is the two halves that a cluster does in different places.
 */
@NullMarked
package org.lora4j.train;

import org.jspecify.annotations.NullMarked;
