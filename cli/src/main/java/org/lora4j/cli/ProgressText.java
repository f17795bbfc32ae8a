package org.lora4j.cli;

/** The words of a progress display. */
final class ProgressText {

    private ProgressText() {
    }

    /** {@code 42 %}. */
    static String percent(long done, long total) {
        return (total <= 0 ? 0 : Math.clamp(100 * done / total, 0, 100)) + " %";
    }

    /** {@code 1:05 left}, from the speed since this run began at {@code first}; empty while that is a guess. */
    static String timeLeft(long first, long done, long total, double seconds) {
        if (done <= first || done >= total || seconds < 1) {
            return "";
        }
        return duration(seconds / (done - first) * (total - done)) + " left";
    }

    /** {@code 0:05}, {@code 12:40} or {@code 1:02:03}. */
    static String duration(double seconds) {
        long s = Math.round(seconds);
        String minutesAndSeconds = (s >= 3600 && s / 60 % 60 < 10 ? "0" : "") + s / 60 % 60 + (s % 60 < 10 ? ":0" : ":") + s % 60;
        return s >= 3600 ? s / 3600 + ":" + minutesAndSeconds : minutesAndSeconds;
    }

    /** The parts that are not empty, two spaces between them. */
    static String join(String... parts) {
        StringBuilder text = new StringBuilder();
        for (String part : parts) {
            if (!part.isEmpty()) {
                text.append(text.isEmpty() ? "" : "  ").append(part);
            }
        }
        return text.toString();
    }
}
