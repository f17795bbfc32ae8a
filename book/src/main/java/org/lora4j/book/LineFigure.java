package org.lora4j.book;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A line for each group of a table's rows, over numbers that lie orders of magnitude apart. */
final class LineFigure {

    private static final int WIDTH = 690;
    private static final int HEIGHT = 380;
    private static final int LEFT = 56;
    private static final int RIGHT = 14;
    private static final int TOP = 12;
    private static final int BOTTOM = 44;
    private static final int TICKS = 6;

    /** A row's numbers. */
    record Point(double x, double y) {
    }

    private final double left;
    private final double right;
    private final double low;
    private final double high;

    private LineFigure(List<Point> all) {
        left = Math.floor(all.stream().mapToDouble(point -> Math.log10(point.x)).min().orElse(0));
        right = Math.max(left + 1, Math.ceil(all.stream().mapToDouble(point -> Math.log10(point.x)).max().orElse(1)));
        low = all.stream().mapToDouble(Point::y).min().orElse(0);
        high = Math.max(low + 1e-6, all.stream().mapToDouble(Point::y).max().orElse(1));
    }

    /**
     * The figure.
     *
     * @param y      what stands upwards
     * @param x      what stands along, on a scale of powers of ten
     * @param groups points by the group's name
     */
    static String draw(String y, String x, Map<String, List<Point>> groups) {
        return new LineFigure(groups.values().stream().flatMap(List::stream).toList()).svg(y, x, groups);
    }

    private String svg(String y, String x, Map<String, List<Point>> groups) {
        StringBuilder svg = new StringBuilder(format("<figure class=\"bars lines\"><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
                WIDTH, HEIGHT, Html.escape(y + " over " + x)));
        double step = step();
        for (double tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
            svg.append(format("<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>",
                    LEFT, up(tick), WIDTH - RIGHT, LEFT - 6, up(tick) + 4, step >= 1 ? format("%.0f", tick) : format("%.1f", tick)));
        }
        for (int power = (int) left; power <= right; power++) {
            svg.append(format("<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%,d</text>",
                    along(power), TOP, HEIGHT - BOTTOM, Math.min(along(power), WIDTH - 36), HEIGHT - BOTTOM + 18, (long) Math.pow(10, power)));
        }
        svg.append(format("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>", (LEFT + WIDTH) / 2, HEIGHT - 6, Html.escape(x)));
        StringBuilder key = new StringBuilder();
        int number = 0;
        for (Map.Entry<String, List<Point>> group : groups.entrySet()) {
            StringBuilder line = new StringBuilder();
            StringBuilder dots = new StringBuilder();
            for (Point point : group.getValue()) {
                double px = along(Math.log10(point.x));
                line.append(format("%s%.1f %.1f", line.isEmpty() ? "M" : "L", px, up(point.y)));
                dots.append(format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", px, up(point.y)));
            }
            svg.append(format("<g class=\"l%d\"><path d=\"%s\"/>%s</g>", number, line, dots));
            key.append(format("%s<span class=\"l%d\"></span> %s", number == 0 ? "" : ", ", number, Html.escape(group.getKey())));
            number++;
        }
        return svg.append("</svg><figcaption>").append(key).append(": ").append(Html.escape(y)).append(" over ").append(Html.escape(x))
                .append("</figcaption></figure>").toString();
    }

    private double step() {
        double rough = (high - low) / TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        return power * (rough <= power ? 1 : rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
    }

    private double along(double power) {
        return LEFT + (WIDTH - LEFT - RIGHT) * (power - left) / (right - left);
    }

    private double up(double value) {
        return TOP + 6 + (HEIGHT - TOP - BOTTOM - 12) * (high - value) / (high - low);
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
