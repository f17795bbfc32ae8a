package org.lora4j.cli;

/**
 * Shows how far long work is, from {@link Ui#progress}:
 *
 * <pre>{@code
 * try (Progress progress = ui.progress("train")) {
 *     progress.start(steps);
 *     … progress.update(step, loss, tokensPerSecond);   // as often as you like
 * }
 * }</pre>
 */
public interface Progress extends AutoCloseable {

    /** Shows nothing. */
    Progress SILENT = new Progress() {
        @Override
        public void start(long done, long total) {
        }

        @Override
        public void update(long done, String detail) {
        }

        @Override
        public void finish() {
        }
    };

    /** The work begins; {@code done} of {@code total} steps were already done by an earlier run. */
    void start(long done, long total);

    /** The work begins. */
    default void start(long total) {
        start(0, total);
    }

    /** {@code done} steps are done; {@code detail} is shown beside the count. */
    void update(long done, String detail);

    /** {@code done} training steps are done. */
    default void update(long done, double loss, double tokensPerSecond) {
        update(done, String.format(java.util.Locale.ROOT, "loss %.3f  %,.0f tokens/s", loss, tokensPerSecond));
    }

    /** The work has ended, whether or not all steps were done. Idempotent. */
    void finish();

    @Override
    default void close() {
        finish();
    }
}
