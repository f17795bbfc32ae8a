package org.lora4j.experiments.report;

import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** Numbers and lists as a person would write them in English. */
final class Words {

    private Words() {}

    /** "q", "q and v", "q, k and v". */
    static String list(List<String> items) {
        int last = items.size() - 1;
        return last < 1 ? String.join("", items) : String.join(", ", items.subList(0, last)) + " and " + items.get(last);
    }

    static String count(long n) {
        return String.format(Locale.ROOT, "%,d", n);
    }

    static String decimal(double value, int decimals) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%,." + decimals + "f", value) : Double.toString(value);
    }

    /** With as many digits as it takes to show two that count: "100 %", "0.42 %", "0.0038 %". */
    static String percent(double fraction) {
        double percent = 100 * fraction;
        if (percent >= 10 || percent == 0) {
            return decimal(percent, 0) + " %";
        }
        int decimals = 1 - (int) Math.floor(Math.log10(percent));
        return decimal(percent, Math.max(decimals, 1)) + " %";
    }

    /** "−60 %", "+12 %"; from the double upwards "× 13"; empty where it began with next to nothing. */
    static String change(double before, double after) {
        double ratio = after / before;
        if (!Double.isFinite(ratio) || ratio < 0 || ratio >= 100) {
            return "";
        }
        if (ratio >= 2) {
            return "× " + decimal(ratio, ratio < 10 ? 1 : 0);
        }
        return (ratio < 1 ? "−" : "+") + decimal(100 * Math.abs(ratio - 1), 0) + " %";
    }

    /** "0.8 s", "51 s", "1 min 51 s", "3 h 5 min". */
    static String duration(Duration time) {
        long seconds = Math.round(time.toMillis() / 1000.0);
        if (seconds < 10) {
            return decimal(time.toMillis() / 1000.0, 1) + " s";
        }
        if (seconds < 60) {
            return seconds + " s";
        }
        if (seconds < 3600) {
            return seconds / 60 + " min" + (seconds % 60 == 0 ? "" : " " + seconds % 60 + " s");
        }
        long minutes = Math.round(seconds / 60.0);
        return minutes / 60 + " h" + (minutes % 60 == 0 ? "" : " " + minutes % 60 + " min");
    }
}
