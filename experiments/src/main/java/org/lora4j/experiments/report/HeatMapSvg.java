package org.lora4j.experiments.report;

import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A grid of numbers from 0 on as inline SVG, a colour for each; the first row is at the top. Colours come from the page's style sheet,
 * {@link #css}, so that they suit light and dark. Labels are escaped here.
 */
final class HeatMapSvg {

    private static final int LEVELS = 24;
    private static final int WIDTH = 340;
    private static final int LEFT = 46;
    private static final int RIGHT = 8;
    private static final int TOP = 8;
    private static final int BOTTOM = 38;
    private static final int MOST_CELLS = 128;
    private static final int[] LIGHT = {0xf1eee4, 0xcfe4c6, 0x6fbda2, 0x17807d, 0x0b3149};
    private static final int[] DARK = {0x20242a, 0x1d474b, 0x24807a, 0x5fd6b4, 0xf6f2b4};

    private static final int[] LIGHT_SIGNED = {0x8f2a0c, 0xe0906d, 0xf6f4ee, 0x6fbda2, 0x0b5a50};
    private static final int[] DARK_SIGNED = {0xffa07a, 0x8a4630, 0x20242a, 0x24807a, 0x7cf0d2};

    private HeatMapSvg() {
    }

    /**
     * Words beside a grid.
     *
     * @param rows       what the rows are
     * @param columns    what the columns are
     * @param rowNumbers what each row is called; so {@code columnNumbers}
     * @param summary    for those who hear the page
     */
    record Labels(String rows, String columns, int[] rowNumbers, int[] columnNumbers, String summary) {

        /** Both count from 1. */
        static Labels counted(String rows, String columns, double[][] values, String summary) {
            return new Labels(rows, columns, numbers(values.length), numbers(values.length == 0 ? 0 : values[0].length), summary);
        }

        private static int[] numbers(int count) {
            int[] numbers = new int[count];
            Arrays.setAll(numbers, i -> i + 1);
            return numbers;
        }
    }

    /**
     * The picture.
     *
     * @param values  [row][column]; NaN where there is none
     * @param largest what the darkest colour stands for
     */
    static String of(double[][] values, double largest, Labels labels) {
        return draw(values, 0, largest, "h", labels);
    }

    /** The same for numbers of both signs: from the colour of loss over that of paper to that of gain. */
    static String signed(double[][] values, double largest, Labels labels) {
        return draw(values, -largest, largest, "v", labels);
    }

    private static String draw(double[][] values, double low, double high, String colours, Labels labels) {
        if (values.length == 0 || values[0].length == 0) {
            return "";
        }
        int rows = Math.min(MOST_CELLS, values.length);
        int columns = Math.min(MOST_CELLS, values[0].length);
        double width = WIDTH - LEFT - RIGHT;
        double height = Math.clamp(width * rows / columns, 72, 270);
        double cellX = width / columns;
        double cellY = height / rows;
        StringBuilder svg = new StringBuilder();
        svg.append(format("<svg class=\"heat\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"%s\">\n", WIDTH, TOP + height + BOTTOM,
                escaped(labels.summary)));
        svg.append(format("<g transform=\"translate(%d %d) scale(%.5f %.5f)\" shape-rendering=\"crispEdges\">", LEFT, TOP, cellX, cellY));
        StringBuilder[] paths = new StringBuilder[LEVELS + 1];
        for (int i = 0; i < rows; i++) {
            double[] row = values[(int) ((long) i * values.length / rows)];
            for (int j = 0; j < columns;) {
                int level = level(row[(int) ((long) j * row.length / columns)], low, high);
                int run = 1;
                while (j + run < columns && level(row[(int) ((long) (j + run) * row.length / columns)], low, high) == level) {
                    run++;
                }
                paths[level] = paths[level] == null ? new StringBuilder() : paths[level];
                paths[level].append('M').append(j).append(' ').append(i).append('h').append(run).append("v1h-").append(run).append('z');
                j += run;
            }
        }
        for (int level = 0; level <= LEVELS; level++) {
            if (paths[level] != null) {
                svg.append("<path class=\"").append(level == LEVELS ? "hn" : colours + level).append("\" d=\"").append(paths[level]).append("\"/>");
            }
        }
        svg.append("</g>\n");
        for (int i : ticks(values.length, (int) (height / 14))) {
            double y = TOP + (i + 0.5) * height / values.length;
            svg.append(format("<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>", LEFT - 5, y + 4, labels.rowNumbers[i]));
        }
        for (int j : ticks(values[0].length, 8)) {
            double x = LEFT + (j + 0.5) * width / values[0].length;
            svg.append(format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%d</text>", x, TOP + height + 15, labels.columnNumbers[j]));
        }
        svg.append(format("\n<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", LEFT + width / 2, TOP + height + 32,
                escaped(labels.columns)));
        svg.append(format("<text transform=\"translate(12 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n", TOP + height / 2,
                escaped(labels.rows)));
        return svg.append("</svg>").toString();
    }

    /** The key to the colours. */
    static String scale(double largest) {
        return scale(0, largest, "h");
    }

    /** The key to the colours of numbers of both signs. */
    static String signedScale(double largest) {
        return scale(-largest, largest, "v");
    }

    private static String scale(double low, double high, String colours) {
        StringBuilder svg = new StringBuilder("<svg class=\"heat scale\" viewBox=\"0 0 240 30\" role=\"img\" aria-label=\"colours from "
                + LossCurveSvg.plain(low) + " to " + LossCurveSvg.plain(high) + "\"><g shape-rendering=\"crispEdges\">");
        for (int level = 0; level < LEVELS; level++) {
            svg.append(format("<path class=\"%s%d\" d=\"M%d 2h8v10h-8z\"/>", colours, level, 24 + 8 * level));
        }
        svg.append("</g>");
        for (int k = 0; k <= 4; k++) {
            svg.append(format("<text x=\"%d\" y=\"26\" text-anchor=\"middle\">%s</text>", 24 + 48 * k, LossCurveSvg.plain(low + (high - low) * k / 4)));
        }
        return svg.append("</svg>").toString();
    }

    /** A round number that none of these is over: what the darkest colour of several grids may stand for. */
    static double roundedUp(double largest) {
        for (double round : new double[] {0.02, 0.05, 0.1, 0.2, 0.5}) {
            if (largest <= round) {
                return round;
            }
        }
        return 1;
    }

    /** What is largest in a grid. */
    static double largest(double[][] values) {
        double largest = 0;
        for (double[] row : values) {
            for (double value : row) {
                largest = Double.isNaN(value) ? largest : Math.max(largest, value);
            }
        }
        return largest;
    }

    /** The first, the last and some between, about {@code most} together. */
    private static int[] ticks(int count, int most) {
        int step = Math.max(1, Math.ceilDiv(count - 1, Math.max(1, most - 1)));
        int inner = Math.ceilDiv(Math.max(0, count - 1), step);
        int[] ticks = new int[count == 1 ? 1 : inner + 1];
        for (int k = 0; k < ticks.length; k++) {
            ticks[k] = Math.min(count - 1, k * step);
        }
        if (ticks.length > 2 && (ticks[ticks.length - 1] - ticks[ticks.length - 2]) * 2 < step) {
            ticks[ticks.length - 2] = ticks[ticks.length - 1]; // two numbers would stand on each other
        }
        return Arrays.stream(ticks).distinct().toArray();
    }

    private static int level(double value, double low, double high) {
        return Double.isNaN(value) ? LEVELS : Math.clamp((int) Math.floor(LEVELS * (value - low) / (high - low)), 0, LEVELS - 1);
    }

    // ------------------------------------------------------------------------------------------------ colours

    /** The colours of all levels in both themes. */
    static String css() {
        StringBuilder css = new StringBuilder(".hn { fill: none; }\n");
        levels(css, LIGHT, LIGHT_SIGNED);
        css.append("@media (prefers-color-scheme: dark) {\n");
        levels(css, DARK, DARK_SIGNED);
        return css.append("}\n").toString();
    }

    private static void levels(StringBuilder css, int[] plain, int[] signed) {
        for (int level = 0; level < LEVELS; level++) {
            css.append(".h").append(level).append(" { fill: ").append(colour(plain, level)).append("; }\n");
            css.append(".v").append(level).append(" { fill: ").append(colour(signed, level)).append("; }\n");
        }
    }

    private static String colour(int[] anchors, int level) {
        double at = (double) level / (LEVELS - 1) * (anchors.length - 1);
        int below = Math.min(anchors.length - 2, (int) at);
        int mixed = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int from = anchors[below] >> shift & 255;
            int to = anchors[below + 1] >> shift & 255;
            mixed |= (int) Math.round(from + (to - from) * (at - below)) << shift;
        }
        return String.format(Locale.ROOT, "#%06x", mixed);
    }

    static String escaped(@Nullable String text) {
        return text == null ? "" : text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
