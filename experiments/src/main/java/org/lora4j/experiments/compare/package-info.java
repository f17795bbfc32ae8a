/**
 * One model on several backends: what each computes at every place of a forward and backward pass and over some update
 * steps, how far that is from {@code reference}, and how far rounding alone may take it.
 */
package org.lora4j.experiments.compare;
