/**
 * Training: a plan, the loop that carries it out, evaluation, checkpoints from which a killed run goes on bit for bit, and
 * the log of what happened.
 */
@NullMarked
package org.lora4j.train;

import org.jspecify.annotations.NullMarked;
