package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProgressTest {

    private static final Terminal WIDE = new Terminal(true, true, 100, true);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Ui ui(Terminal terminal) {
        return new Ui(Run.stream(out), Run.stream(err), terminal);
    }

    private void train(Ui ui) {
        train(ui, () -> { });
    }

    private void train(Ui ui, Runnable beforeTheRemark) {
        try (Progress progress = ui.progress("train")) {
            progress.start(750);
            for (int step = 1; step <= 750; step++) {
                progress.update(step, 4.0 - step / 750.0, 5200);
                if (step == 300) {
                    beforeTheRemark.run();
                    ui.info("dev loss 2.5");
                }
            }
        }
    }

    @Test
    void aFileGetsPlainLinesFirstAndLast() {
        train(ui(Terminal.NONE));

        assertThat(Run.text(err).lines()).hasSize(3).satisfies(lines -> {
            assertThat(lines.get(0)).matches("train  1/750  0 %  loss 3\\.999  5,200 tokens/s");
            assertThat(lines.get(1)).isEqualTo("dev loss 2.5");
            assertThat(lines.get(2)).matches("train  750/750  100 %  loss 3\\.000  5,200 tokens/s  in 0:\\d\\d");
        });
        assertThat(Run.text(out)).isEmpty();
    }

    @Test
    void aTerminalGetsABarThatRemarksDoNotBreak() {
        train(ui(WIDE), this::awaitTheBar);

        String[] drawn = Run.text(err).split("\r\u001b\\[K");
        assertThat(drawn).anyMatch(text -> text.startsWith("dev loss 2.5" + System.lineSeparator() + "train  "));
        assertThat(drawn[drawn.length - 1])
                .matches("train  100 % │█{30}│ 750/750  loss 3\\.000  5,200 tokens/s  in 0:\\d\\d\\R");
    }

    /** It is drawn now and then, by a thread of its own; a busy machine may take its time. */
    private void awaitTheBar() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!Run.text(err).contains("train  ") && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
    }

    @Test
    void quietShowsNeitherProgressNorRemarks() {
        Ui ui = ui(WIDE);
        ui.listenTo(true, false);

        train(ui);

        assertThat(Run.text(err)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {10, 40, 60, 80, 200})
    void theBarsLineNeverWraps(int columns) {
        assertThat(BarProgress.line("train", 315, 750, "loss 1.930  5,200 tokens/s", "0:55 left", columns, true))
                .hasSizeLessThanOrEqualTo(columns);
    }

    @Test
    void theBarIsAsLongAsTheWorkThatIsDone() {
        assertThat(BarProgress.line("train", 1, 4, "loss 2", "0:03 left", 100, false))
                .isEqualTo("train  25 % [=======                       ] 1/4  loss 2  0:03 left");
    }

    @ParameterizedTest
    @CsvSource({"0.2, 0:00", "59.6, 1:00", "65, 1:05", "754, 12:34", "3600, 1:00:00", "3723, 1:02:03"})
    void durationsReadLikeAClock(double seconds, String text) {
        assertThat(ProgressText.duration(seconds)).isEqualTo(text);
    }

    @Test
    void timeLeftCountsFromWhereAResumedRunBegan() {
        // 50 steps in 10 s, 100 to go
        assertThat(ProgressText.timeLeft(600, 650, 750, 10)).isEqualTo("0:20 left");
        assertThat(ProgressText.timeLeft(600, 601, 750, 0.1)).as("after one step").isEmpty();
    }
}
