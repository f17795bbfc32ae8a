package org.lora4j.optim;

/**
 * What the learning rate is multiplied by at each step. Steps count from 0 and, as in the authors' scripts and in
 * Transformers, a warm-up of w steps begins with a factor of 0: step i of it has the factor i/w.
 */
@FunctionalInterface
public interface Schedule {

    /** The factor of step i ≥ 0. */
    double factor(long step);

    /** Always 1. */
    static Schedule constant() {
        return step -> 1;
    }

    /**
     * Linear from 0 to 1 in the first {@code warmup} steps, then linear to 0 at {@code total}:
     * i/w, then (n − i)/(n − w).
     */
    static Schedule linear(long warmup, long total) {
        return warmed(warmup, step -> Math.max(0, (double) (total - step) / Math.max(1, total - warmup)));
    }

    /** Linear from 0 to 1 in the first {@code warmup} steps, then ½·(1 + cos(π·(i − w)/(n − w))) to 0 at {@code total}. */
    static Schedule cosine(long warmup, long total) {
        return warmed(warmup, step -> {
            double progress = Math.min(1, (double) (step - warmup) / Math.max(1, total - warmup));
            return 0.5 * (1 + Math.cos(Math.PI * progress));
        });
    }

    /** Linear from 0 to 1 in the first {@code warmup} steps, then {@code after}. */
    static Schedule warmed(long warmup, Schedule after) {
        return step -> step < warmup ? (double) step / warmup : after.factor(step);
    }
}
