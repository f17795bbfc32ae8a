package org.lora4j.cli;

import java.time.Duration;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarConsumer;
import me.tongfei.progressbar.ProgressBarRenderer;
import me.tongfei.progressbar.ProgressState;

/**
 * Progress for a terminal: one line that is redrawn a few times a second,
 * {@code train  42 % │████████▍           │ 315/750  loss 1.930  5,200 tokens/s  0:55 left}.
 */
final class BarProgress implements Progress {

    private static final int INTERVAL_MILLIS = 200;
    private static final int WIDEST_BAR = 30;
    private static final int NARROWEST_BAR = 8;
    /** A bar's last cell in eighths. */
    private static final String EIGHTHS = " ▏▎▍▌▋▊▉";

    private final Ui ui;
    private final String task;
    private ProgressBar bar;
    private long first;
    private volatile String lastText = "";

    BarProgress(Ui ui, String task) {
        this.ui = ui;
        this.task = task;
    }

    @Override
    public void start(long done, long total) {
        finish();
        first = done;
        ui.show(this);
        ProgressBarRenderer renderer = this::render;
        bar = new ProgressBar(task, total, INTERVAL_MILLIS, false, false, done, Duration.ZERO, renderer, new Line());
    }

    @Override
    public void update(long done, String detail) {
        bar.setExtraMessage(detail);
        bar.stepTo(done);
    }

    @Override
    public void finish() {
        if (bar != null) {
            bar.close(); // draws once more
            bar = null;
            ui.leaveBar();
        }
    }

    String lastText() {
        return lastText;
    }

    private String render(ProgressState state, int columns) {
        long done = state.getCurrent();
        long total = state.getMax();
        double seconds = state.getElapsedAfterStart().toMillis() / 1e3;
        String detail = state.getExtraMessage() == null ? "" : state.getExtraMessage();
        String time = done < total
                ? ProgressText.timeLeft(first, done, total, seconds)
                : "in " + ProgressText.duration(seconds);
        return line(task, done, total, detail, time, columns, ui.isUnicode());
    }

    /** The line, cut to the terminal's width; the bar takes what the words leave, and goes first where room is short. */
    static String line(String task, long done, long total, String detail, String time, int columns, boolean unicode) {
        String before = ProgressText.join(task, ProgressText.percent(done, total));
        String after = ProgressText.join(done + "/" + total, detail, time);
        int room = Math.min(columns - before.length() - after.length() - 4, WIDEST_BAR);
        String line = room < NARROWEST_BAR
                ? ProgressText.join(before, after)
                : before + " " + bar(total <= 0 ? 0 : (double) done / total, room, unicode) + " " + after;
        return line.length() <= columns ? line : line.substring(0, Math.max(0, columns));
    }

    private static String bar(double part, int cells, boolean unicode) {
        int eighths = (int) (Math.clamp(part, 0, 1) * cells * 8);
        int full = eighths / 8;
        String tip = full == cells ? "" : unicode ? EIGHTHS.substring(eighths % 8, eighths % 8 + 1) : " ";
        String rest = " ".repeat(cells - full - tip.length());
        return unicode ? "│" + "█".repeat(full) + tip + rest + "│" : "[" + "=".repeat(full) + tip + rest + "]";
    }

    /** Where the bar library writes: over the line the {@link Ui} keeps for it. It never looks for a terminal itself. */
    private final class Line implements ProgressBarConsumer {

        @Override
        public int getMaxRenderedLength() {
            return ui.terminal().columns() - 1;
        }

        @Override
        public void accept(String text) {
            lastText = text;
            ui.drawBar(text);
        }

        @Override
        public void close() {
        }
    }
}
