package org.lora4j.experiments.report;

import java.util.List;
import java.util.Locale;
import org.lora4j.experiments.report.Judgement.Value;

/**
 * What people said against what the model says, a dot for each text, as inline SVG: with a line where both say the same. Every
 * string in it is made here, from numbers.
 */
final class ScatterSvg {

    private static final int SIZE = 320;
    private static final int LEFT = 40;
    private static final int OTHER = 30;
    private static final int MOST_POINTS = 1500;

    private final List<Value> values;
    private final double low;
    private final double high;

    private ScatterSvg(List<Value> values) {
        this.values = values;
        low = values.stream().mapToDouble(value -> Math.min(value.said(), value.found())).min().orElse(0);
        double largest = values.stream().mapToDouble(value -> Math.max(value.said(), value.found())).max().orElse(1);
        high = Math.max(low + 1e-9, largest);
    }

    /** Empty where there is nothing to draw. */
    static String of(List<Value> values) {
        return values.isEmpty() ? "" : new ScatterSvg(values).draw();
    }

    private String draw() {
        StringBuilder svg = new StringBuilder();
        svg.append(format("<svg class=\"curve scatter\" viewBox=\"0 0 %d %d\" aria-hidden=\"true\">\n", SIZE, SIZE));
        for (double tick : LossCurveSvg.ticks(low, high, 5)) {
            svg.append(format("<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y(tick), SIZE - 8));
            svg.append(format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>", LEFT - 6, y(tick) + 4, LossCurveSvg.plain(tick)));
            svg.append(format("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x(tick), SIZE - 12, LossCurveSvg.plain(tick)));
        }
        svg.append(format("<path class=\"dev\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x(low), y(low), x(high), y(high)));
        int stride = Math.max(1, Math.ceilDiv(values.size(), MOST_POINTS));
        for (int i = 0; i < values.size(); i += stride) {
            svg.append(format("<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>", x(values.get(i).said()), y(values.get(i).found())));
        }
        return svg.append("</svg>").toString();
    }

    private double x(double value) {
        return LEFT + (SIZE - LEFT - 8) * (value - low) / (high - low);
    }

    private double y(double value) {
        return SIZE - OTHER - (SIZE - OTHER - 8) * (value - low) / (high - low);
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
