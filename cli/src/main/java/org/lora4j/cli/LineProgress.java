package org.lora4j.cli;

/** Progress for files and pipes: a line at the first update, at the last, and every few seconds between them. */
final class LineProgress implements Progress {

    private static final long INTERVAL_NANOS = 5_000_000_000L;

    private final Ui ui;
    private final String task;
    private long begun;
    private long first;
    private long total;
    private long done;
    private String detail = "";
    private long printedAt;
    private long printed = -1;
    private boolean finished;

    LineProgress(Ui ui, String task) {
        this.ui = ui;
        this.task = task;
    }

    @Override
    public void start(long done, long total) {
        this.begun = System.nanoTime();
        this.first = done;
        this.done = done;
        this.total = total;
    }

    @Override
    public void update(long done, String detail) {
        this.done = done;
        this.detail = detail;
        if (printed < 0 || System.nanoTime() - printedAt > INTERVAL_NANOS) {
            printLine();
        }
    }

    @Override
    public void finish() {
        if (!finished && done != printed && done != first) {
            printLine();
        }
        finished = true;
    }

    private void printLine() {
        double seconds = (System.nanoTime() - begun) / 1e9;
        ui.info(ProgressText.join(task, done + "/" + total, ProgressText.percent(done, total), detail,
                done < total ? ProgressText.timeLeft(first, done, total, seconds) : "in " + ProgressText.duration(seconds)));
        printed = done;
        printedAt = System.nanoTime();
    }
}
