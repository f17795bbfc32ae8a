package org.lora4j.experiments.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Several lines over one axis as inline SVG; colours come from the page's style sheet. Labels are escaped here. */
final class LinesSvg {

    private static final int WIDTH = 520;
    private static final int HEIGHT = 260;
    private static final int LEFT = 52;
    private static final int RIGHT = 10;
    private static final int TOP = 10;
    private static final int BOTTOM = 38;

    private final List<Line> lines;
    private final boolean logarithmic;
    private final double firstX;
    private final double lastX;
    private final double low;
    private final double high;

    /**
     * A line.
     *
     * @param look its class in the style sheet
     * @param y    NaN where it is interrupted
     */
    record Line(String look, double[] x, double[] y) {
    }

    private LinesSvg(List<Line> lines, boolean logarithmic) {
        this.lines = lines;
        this.logarithmic = logarithmic;
        firstX = lines.stream().flatMapToDouble(line -> Arrays.stream(line.x)).min().orElse(0);
        lastX = Math.max(firstX + 1, lines.stream().flatMapToDouble(line -> Arrays.stream(line.x)).max().orElse(1));
        double[] shown = lines.stream().flatMapToDouble(line -> Arrays.stream(line.y))
                .filter(value -> Double.isFinite(value) && (!logarithmic || value > 0)).toArray();
        double largest = Arrays.stream(shown).max().orElse(1);
        double smallest = Arrays.stream(shown).min().orElse(0);
        high = logarithmic ? Math.log10(largest) + 0.05 : Math.max(1e-12, largest * 1.05);
        low = logarithmic ? Math.max(Math.log10(smallest) - 0.05, Math.log10(largest) - 6) : Math.min(0, smallest);
    }

    /**
     * The picture.
     *
     * @param summary for those who hear the page
     */
    static String of(List<Line> lines, boolean logarithmic, String across, String up, String summary) {
        return new LinesSvg(lines, logarithmic).draw(across, up, summary);
    }

    private String draw(String across, String up, String summary) {
        StringBuilder svg = new StringBuilder();
        svg.append(format("<svg class=\"curve lines\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", WIDTH, HEIGHT,
                HeatMapSvg.escaped(summary)));
        for (double tick : ticksUp()) {
            double y = y(tick);
            svg.append(format("<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y, WIDTH - RIGHT));
            svg.append(format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 6, y + 4, LossCurveSvg.plain(tick)));
        }
        for (double tick : LossCurveSvg.ticks(firstX, lastX, 8)) {
            if (tick == Math.rint(tick)) {
                svg.append(format("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x(tick), HEIGHT - BOTTOM + 16, tick));
            }
        }
        svg.append(format("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", LEFT + (WIDTH - LEFT - RIGHT) / 2.0, HEIGHT - 5,
                HeatMapSvg.escaped(across)));
        svg.append(format("<text transform=\"translate(12 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
                (TOP + HEIGHT - BOTTOM) / 2.0, HeatMapSvg.escaped(up)));
        for (Line line : lines) {
            StringBuilder d = new StringBuilder();
            boolean drawing = false;
            for (int i = 0; i < line.x.length; i++) {
                boolean has = Double.isFinite(line.y[i]) && (!logarithmic || line.y[i] > 0 && Math.log10(line.y[i]) >= low);
                if (has) {
                    d.append(format("%s%.1f %.1f", drawing ? "L" : "M", x(line.x[i]), y(line.y[i])));
                }
                drawing = has;
            }
            if (!d.isEmpty()) {
                svg.append("<path class=\"").append(line.look).append("\" d=\"").append(d).append("\"/>");
                if (line.x.length <= 12) {
                    for (int i = 0; i < line.x.length; i++) {
                        if (Double.isFinite(line.y[i]) && (!logarithmic || line.y[i] > 0 && Math.log10(line.y[i]) >= low)) {
                            svg.append(format("<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"/>", line.look, x(line.x[i]), y(line.y[i])));
                        }
                    }
                }
                svg.append('\n');
            }
        }
        return svg.append("</svg>").toString();
    }

    private List<Double> ticksUp() {
        if (!logarithmic) {
            return LossCurveSvg.ticks(low, high, 5);
        }
        List<Double> ticks = new ArrayList<>();
        boolean few = high - low < 2;
        for (int power = (int) Math.floor(low); power <= high; power++) {
            for (int digit : few ? new int[] {1, 2, 5} : new int[] {1}) {
                double log = Math.log10(digit) + power;
                if (log >= low && log <= high) {
                    ticks.add(digit * Math.pow(10, power));
                }
            }
        }
        return ticks;
    }

    private double x(double value) {
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - firstX) / (lastX - firstX);
    }

    private double y(double value) {
        double at = logarithmic ? Math.log10(value) : value;
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (at - low) / (high - low);
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
