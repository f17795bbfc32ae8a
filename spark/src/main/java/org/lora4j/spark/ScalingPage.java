package org.lora4j.spark;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.io.AtomicFile;

/** The figure of {@link SimulateCommand}: efficiency over workers, LoRA's curves beside full fine-tuning's, in one page by itself. */
final class ScalingPage {

    private static final int WIDTH = 720;
    private static final int HEIGHT = 420;
    private static final int LEFT = 56;
    private static final int RIGHT = 20;
    private static final int TOP = 20;
    private static final int BOTTOM = 48;
    private static final int DOUBLINGS = 10; // to 1,024 workers

    private ScalingPage() {
    }

    static void write(Path file, List<SimulateCommand.Point> points, Map<String, Object> assumptions) {
        StringBuilder page = new StringBuilder("""
                <!doctype html>
                <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
                <title>LoRA on many workers</title><style>
                :root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --faint: #8a939c; --grid: #e3e7eb;
                  --c0: #0b6bcb; --c1: #1a7f37; --c2: #b35900; --c3: #a01c8c; }
                @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #14181d; --faint: #98a2ad; --grid: #2a3038;
                  --c0: #6cb2ff; --c1: #5fd07a; --c2: #ffab5c; --c3: #f08be0; } }
                body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 46rem;
                  margin: 2rem auto; padding: 0 1rem; }
                svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 13px; }
                .grid { stroke: var(--grid); } .curve { fill: none; stroke-width: 2.5; } .full { stroke-dasharray: 6 5; }
                table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
                th, td { padding: .2rem .45rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
                th:first-child, td:first-child { text-align: left; }
                .key { display: inline-block; width: 1.6em; height: 3px; vertical-align: middle; margin-right: .4em; }
                </style></head><body>
                <h1>LoRA on many workers</h1>
                <p>How much of the workers' time is spent computing, by a model of communication and stragglers. Solid: LoRA, whose
                gradient is that of A and B alone. Dashed: full fine-tuning, which exchanges every weight's. Where computing and sending
                grow with the model alike, its curves lie on each other. A curve near 100 % means
                that twice the machines do twice the work. It is a simulation: nothing here ran on more than this machine.</p>
                """);
        for (double speed : points.stream().mapToDouble(SimulateCommand.Point::gflops).distinct().toArray()) {
            List<SimulateCommand.Point> some = points.stream().filter(point -> point.gflops() == speed).toList();
            page.append("<h2>Workers of ").append(String.format(Locale.ROOT, "%,.0f", speed)).append(" GFLOP/s</h2>\n");
            chart(page, some);
            table(page, some);
        }
        page.append("<h2>Assumptions</h2>\n<table>\n");
        assumptions.forEach((what, value) -> page.append("<tr><td>").append(what).append("</td><td>")
                .append(value instanceof Double number ? String.format(Locale.ROOT, "%.4g", number) : value).append("</td></tr>\n"));
        page.append("</table>\n<p>docs/spark.md has the formula and where its constants come from.</p>\n</body></html>\n");
        AtomicFile.write(file, out -> out.write(page.toString().getBytes(StandardCharsets.UTF_8)));
    }

    private static void chart(StringBuilder page, List<SimulateCommand.Point> points) {
        page.append("<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Efficiency over workers\">%n".formatted(WIDTH, HEIGHT));
        for (int percent = 0; percent <= 100; percent += 20) {
            page.append(String.format(Locale.ROOT, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d %%</text>%n",
                    LEFT, WIDTH - RIGHT, y(percent / 100.0), y(percent / 100.0), LEFT - 8, y(percent / 100.0) + 4, percent));
        }
        for (int i = 0; i <= DOUBLINGS; i += 2) {
            page.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>%n", x(1 << i), HEIGHT - BOTTOM + 20, 1 << i));
        }
        page.append(String.format(Locale.ROOT, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">workers</text>%n", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8));
        List<String> models = points.stream().map(SimulateCommand.Point::model).distinct().toList();
        for (String model : models) {
            for (String method : List.of("LoRA", "full")) {
                StringBuilder path = new StringBuilder();
                for (SimulateCommand.Point point : points) {
                    if (point.model().equals(model) && point.method().equals(method)) {
                        path.append(String.format(Locale.ROOT, "%s%.1f %.1f", path.isEmpty() ? "M" : " L", x(point.workers()), y(point.efficiency())));
                    }
                }
                page.append("<path class=\"curve %s\" style=\"stroke: var(--c%d)\" d=\"%s\"><title>%s, %s</title></path>%n".formatted(
                        method.equals("full") ? "full" : "", models.indexOf(model), path, model, method));
            }
        }
        page.append("</svg>\n<p>");
        for (String model : models) {
            page.append("<span class=\"key\" style=\"background: var(--c%d)\"></span>%s&emsp;%n".formatted(models.indexOf(model), model));
        }
        page.append("</p>\n");
    }

    private static void table(StringBuilder page, List<SimulateCommand.Point> points) {
        page.append("<table>\n<tr><th>model</th><th>what trains</th><th>workers</th><th>seconds a step</th><th>efficiency</th><th>MB sent</th></tr>\n");
        for (SimulateCommand.Point point : points) {
            if (point.workers() == 1 || point.workers() == 16 || point.workers() == 128 || point.workers() == 1024) {
                page.append(String.format(Locale.ROOT, "<tr><td>%s</td><td>%s</td><td>%,d</td><td>%,.2f</td><td>%.1f %%</td><td>%,.2f</td></tr>%n",
                        point.model(), point.method().equals("full") ? "all weights" : "A and B", point.workers(), point.seconds(),
                        100 * point.efficiency(), point.megabytes()));
            }
        }
        page.append("</table>\n");
    }

    private static double x(int workers) {
        return LEFT + (WIDTH - LEFT - RIGHT) * Math.log(workers) / Math.log(2) / DOUBLINGS;
    }

    private static double y(double efficiency) {
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * efficiency;
    }
}
