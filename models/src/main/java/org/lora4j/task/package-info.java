/**
 * What is learnt and how it is measured: an {@link org.lora4j.task.Objective} turns examples into batches and a batch into
 * a loss, a {@link org.lora4j.task.Measure} is a number with a name and a direction. A new task is a class that implements
 * the first, and one that implements the second where the loss is not what counts.
 */
package org.lora4j.task;
