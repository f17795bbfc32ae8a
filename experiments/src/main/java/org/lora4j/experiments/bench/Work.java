package org.lora4j.experiments.bench;

/**
 * Something to time.
 *
 * @param amount what a run does, in units
 * @param unit   such as {@code GFLOP} or {@code tokens}
 */
public record Work(double amount, String unit, Runnable run) {
}
