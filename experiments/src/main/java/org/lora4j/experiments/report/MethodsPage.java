package org.lora4j.experiments.report;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.io.AtomicFile;

/** Writes the comparison of methods as one HTML file without scripts: parameters against dev loss, and the numbers. */
public final class MethodsPage {

    private static final Template TEMPLATE = Mustache.compiler()
            .escapeHTML(true)
            .strictSections(true)
            .emptyStringIsFalse(true)
            .compile(ReportWriter.resource("methods.html"));

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
     */
    public record Cell(String family, String name, long parameters, double rate, List<Double> losses) {

        /** Keeps its own list of the losses. */
        public Cell {
            losses = List.copyOf(losses);
        }

        /** The mean of the losses; NaN where there is none. */
        public double mean() {
            return losses.stream().mapToDouble(loss -> loss).average().orElse(Double.NaN);
        }

        double least() {
            return losses.stream().mapToDouble(loss -> loss).min().orElse(Double.NaN);
        }

        double most() {
            return losses.stream().mapToDouble(loss -> loss).max().orElse(Double.NaN);
        }

        /** {@code 1.234 (1.230–1.240)}, or one number. */
        public String loss() {
            return String.format(Locale.ROOT, losses.size() > 1 ? "%.4f (%.4f–%.4f)" : "%.4f", mean(), least(), most());
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
        context.put("css", ReportWriter.resource("report.css") + ReportWriter.resource("methods.css"));
        context.put("date", LocalDate.now().toString());
        context.put("command", command);
        context.put("how", how);
        context.put("base", String.format(Locale.ROOT, "%.4f", lossOfBase));
        Cell best = cells.stream().min((a, b) -> Double.compare(a.mean(), b.mean())).orElseThrow();
        context.put("best", Map.of("name", best.name, "loss", String.format(Locale.ROOT, "%.3f", best.mean())));
        context.put("figure", figure(byFamily));
        List<Map<String, Object>> keys = new ArrayList<>();
        byFamily.keySet().forEach(family -> keys.add(Map.of("n", keys.size() + 1, "name", family)));
        context.put("keys", keys);
        context.put("rows", cells.stream().map(cell -> Map.of("name", cell.name, "parameters", "%,d".formatted(cell.parameters),
                "rate", rate(cell.rate), "loss", cell.loss(), "best", cell == best)).toList());
        context.put("shapes", byFamily.entrySet().stream().filter(family -> family.getValue().size() > 1)
                .map(family -> Map.of("name", family.getKey(), "monotone", monotone(family.getValue()))).toList());
        return TEMPLATE.execute(context);
    }

    /** 1e-2. */
    public static String rate(double rate) {
        return String.format(Locale.ROOT, "%.0e", rate).replace("e-0", "e-");
    }

    /** Whether the loss falls with every size. */
    private static boolean monotone(List<Cell> cells) {
        for (int i = 1; i < cells.size(); i++) {
            if (cells.get(i).mean() >= cells.get(i - 1).mean()) {
                return false;
            }
        }
        return true;
    }

    // ------------------------------------------------------------------------------------------------ the figure

    private static String figure(Map<String, List<Cell>> families) {
        List<Cell> all = families.values().stream().flatMap(List::stream).toList();
        double left = Math.floor(Math.log10(all.stream().mapToLong(Cell::parameters).min().orElse(1)));
        double right = Math.max(left + 1, Math.ceil(Math.log10(all.stream().mapToLong(Cell::parameters).max().orElse(10))));
        double low = all.stream().mapToDouble(Cell::least).min().orElse(0);
        double high = Math.max(low + 1e-6, all.stream().mapToDouble(Cell::most).max().orElse(1));
        StringBuilder svg = new StringBuilder(format("<svg class=\"curve methods\" viewBox=\"0 0 %d %d\" role=\"img\" "
                + "aria-label=\"dev loss against parameters that train, a line for each method\">\n", WIDTH, HEIGHT));
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
            for (Cell cell : cells) {
                double x = x(Math.log10(cell.parameters), left, right);
                double y = y(cell.mean(), low, high);
                line.append(format("%s%.1f %.1f", line.isEmpty() ? "M" : "L", x, y));
                dots.append(format("<path class=\"f%d\" d=\"M%.1f %.1fV%.1f\"/><circle class=\"f%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>",
                        number, x, y(cell.least(), low, high), y(cell.most(), low, high), number, x, y));
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

    private static double y(double loss, double low, double high) {
        return TOP + 6 + (HEIGHT - TOP - BOTTOM - 12) * (high - loss) / (high - low);
    }

    private static String format(String format, Object... arguments) {
        return String.format(Locale.ROOT, format, arguments);
    }
}
