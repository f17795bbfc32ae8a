package org.lora4j.experiments.report;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.lora4j.io.AtomicFile;

/** Writes the comparison of methods as one HTML file without scripts: parameters against dev loss and BLEU, and the numbers. */
public final class MethodsPage {

    private static final StaticPage PAGE = new StaticPage("methods", "methods.html", ReportWriter.resource("methods.css"), "");

    private static final int WIDTH = 720;
    private static final int HEIGHT = 420;
    private static final int LEFT = 52;
    private static final int RIGHT = 12;
    private static final int TOP = 12;
    private static final int BOTTOM = 40;

    /**
     * One method in one size.
     *
     * @param family     the method
     * @param name       with its size
     * @param parameters that train
     * @param rate       the learning rate that was found
     * @param losses     on dev, one for each seed
     * @param bleu       of the texts, from 0 to 100, one for each seed; none where nothing was decoded
     */
    public record Cell(String family, String name, long parameters, double rate, List<Double> losses, List<Double> bleu) {

        /** Keeps its own lists. */
        public Cell {
            losses = List.copyOf(losses);
            bleu = List.copyOf(bleu);
        }

        /** {@code 1.2345 (1.2301–1.2402)}, or one number. */
        public String loss() {
            return Spread.of(losses).text(4);
        }

        /** {@code 58.47 (58.01–58.80)}, one number, or nothing. */
        public String score() {
            return bleu.isEmpty() ? "" : Spread.of(bleu).text(2);
        }
    }

    /** What the seeds came to. */
    private record Spread(double mean, double least, double most, int seeds) {

        static Spread of(List<Double> values) {
            DoubleSummaryStatistics all = values.stream().mapToDouble(value -> value).summaryStatistics();
            return new Spread(all.getAverage(), all.getMin(), all.getMax(), values.size());
        }

        String text(int digits) {
            return decimal(mean, digits) + (seeds > 1 ? " (" + decimal(least, digits) + "–" + decimal(most, digits) + ")" : "");
        }

        private static String decimal(double value, int digits) {
            return BigDecimal.valueOf(value).setScale(digits, RoundingMode.HALF_EVEN).toPlainString();
        }
    }

    /**
     * What a figure shows over the parameters.
     *
     * @param values of a cell, one for each seed
     * @param sign   1 where more is better, -1 where less is
     */
    private record Measure(String title, String most, int digits, int sign, Function<Cell, List<Double>> values) {

        static final Measure LOSS = new Measure("Dev loss", "lowest dev loss", 3, -1, Cell::losses);
        static final Measure BLEU = new Measure("BLEU", "highest BLEU", 1, 1, Cell::bleu);

        boolean has(Cell cell) {
            return !values.apply(cell).isEmpty();
        }

        Spread of(Cell cell) {
            return Spread.of(values.apply(cell));
        }

        /** Null where no cell has it. */
        @Nullable Cell best(List<Cell> cells) {
            return cells.stream().filter(this::has).max(Comparator.comparingDouble(cell -> sign * of(cell).mean)).orElse(null);
        }

        /** Whether it gets better with every size. */
        boolean monotone(List<Cell> sizes) {
            for (int i = 1; i < sizes.size(); i++) {
                if (sign * (of(sizes.get(i)).mean - of(sizes.get(i - 1)).mean) <= 0) {
                    return false;
                }
            }
            return true;
        }

        Map<String, Object> verdict(List<Cell> cells) {
            Cell best = best(cells);
            return Map.of("most", most, "value", Spread.decimal(of(best).mean, digits), "name", best.name);
        }
    }

    private MethodsPage() {
    }

    /**
     * Replaces {@code page}.
     *
     * @param how   what every run did, in a sentence
     * @param cells grouped by family, from small to large
     */
    public static void write(String command, String how, double lossOfBase, List<Cell> cells, Path page) {
        byte[] html = render(command, how, lossOfBase, cells).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(page, out -> out.write(html));
    }

    /** The page. */
    public static String render(String command, String how, double lossOfBase, List<Cell> cells) {
        Map<String, List<Cell>> byFamily = new LinkedHashMap<>();
        cells.forEach(cell -> byFamily.computeIfAbsent(cell.family, family -> new ArrayList<>()).add(cell));
        Map<String, Object> context = new LinkedHashMap<>();
        context.put("how", how);
        context.put("base", String.format(Locale.ROOT, "%.4f", lossOfBase));
        List<Measure> measures = Stream.of(Measure.LOSS, Measure.BLEU).filter(measure -> cells.stream().anyMatch(measure::has)).toList();
        context.put("verdict", measures.stream().map(measure -> measure.verdict(cells)).toList());
        List<Map<String, Object>> keys = new ArrayList<>();
        byFamily.keySet().forEach(family -> keys.add(Map.of("n", keys.size() + 1, "name", family)));
        context.put("keys", keys);
        context.put("figures", measures.stream().map(measure -> Map.of("title", measure.title, "figure", figure(measure, byFamily),
                "shapes", byFamily.entrySet().stream().filter(family -> family.getValue().size() > 1)
                        .map(family -> Map.of("name", family.getKey(), "monotone", measure.monotone(family.getValue()))).toList())).toList());
        context.put("scored", measures.contains(Measure.BLEU));
        Cell least = Measure.LOSS.best(cells);
        Cell most = Measure.BLEU.best(cells);
        context.put("rows", cells.stream().map(cell -> Map.of("name", cell.name, "parameters", "%,d".formatted(cell.parameters),
                "rate", rate(cell.rate), "loss", cell.loss(), "least", cell == least, "score", cell.score(), "most", cell == most)).toList());
        return PAGE.render("Methods on E2E", command, Map.of(), context);
    }

    /** 1e-2. */
    public static String rate(double rate) {
        return String.format(Locale.ROOT, "%.0e", rate).replace("e-0", "e-");
    }

    // ------------------------------------------------------------------------------------------------ the figure

    private static String figure(Measure measure, Map<String, List<Cell>> families) {
        List<Cell> all = families.values().stream().flatMap(List::stream).filter(measure::has).toList();
        double left = Math.floor(Math.log10(all.stream().mapToLong(Cell::parameters).min().orElse(1)));
        double right = Math.max(left + 1, Math.ceil(Math.log10(all.stream().mapToLong(Cell::parameters).max().orElse(10))));
        double low = all.stream().mapToDouble(cell -> measure.of(cell).least).min().orElse(0);
        double high = Math.max(low + 1e-6, all.stream().mapToDouble(cell -> measure.of(cell).most).max().orElse(1));
        StringBuilder svg = new StringBuilder(format("<svg class=\"curve methods\" viewBox=\"0 0 %d %d\" role=\"img\" "
                + "aria-label=\"%s against parameters that train, a line for each method\">\n", WIDTH, HEIGHT, measure.title));
        for (double tick : LossCurveSvg.ticks(low, high, 6)) {
            double y = y(tick, low, high);
            svg.append(format("<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                    LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 4, LossCurveSvg.plain(tick)));
        }
        for (int power = (int) left; power <= right; power++) {
            double x = x(power, left, right);
            svg.append(format("<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                    x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18, count(power)));
        }
        svg.append(format("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">parameters that train</text>\n", (LEFT + WIDTH) / 2, HEIGHT - 4));
        int number = 0;
        for (List<Cell> cells : families.values()) {
            number++;
            StringBuilder line = new StringBuilder();
            StringBuilder dots = new StringBuilder();
            for (Cell cell : cells.stream().filter(measure::has).toList()) {
                Spread seeds = measure.of(cell);
                double x = x(Math.log10(cell.parameters), left, right);
                double y = y(seeds.mean, low, high);
                line.append(format("%s%.1f %.1f", line.isEmpty() ? "M" : "L", x, y));
                dots.append(format("<path class=\"f%d\" d=\"M%.1f %.1fV%.1f\"/><circle class=\"f%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>",
                        number, x, y(seeds.least, low, high), y(seeds.most, low, high), number, x, y));
            }
            svg.append(format("<path class=\"f%d\" d=\"%s\"/>%s\n", number, line, dots));
        }
        return svg.append("</svg>").toString();
    }

    /** 10, 100, 1K, … 1M: no label is so long that it leaves the figure. */
    private static String count(int power) {
        return (long) Math.pow(10, power % 3) + (power < 3 ? "" : power < 6 ? "K" : power < 9 ? "M" : "G");
    }

    private static double x(double power, double left, double right) {
        return LEFT + (WIDTH - LEFT - RIGHT) * (power - left) / (right - left);
    }

    private static double y(double value, double low, double high) {
        return TOP + 6 + (HEIGHT - TOP - BOTTOM - 12) * (high - value) / (high - low);
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
