package org.lora4j.experiments.report;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.io.AtomicFile;
import org.lora4j.plan.PlanRow;
import org.lora4j.plan.Term;

/** Writes a plan as one HTML file without scripts: a bar for each row, of the terms that its memory goes to, and the numbers. */
public final class PlanPage {

    private static final StaticPage PAGE = new StaticPage("plan", "plan.html", ReportWriter.resource("plan.css"), "");

    private PlanPage() {
    }

    /**
     * Replaces {@code page}.
     *
     * @param model   as it was named
     * @param remarks sentences below the chart
     */
    public static void write(String model, String command, List<PlanRow> rows, List<String> remarks, Path page) {
        byte[] html = render(model, command, rows, remarks).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(page, out -> out.write(html));
    }

    /** The page. */
    public static String render(String model, String command, List<PlanRow> rows, List<String> remarks) {
        long most = rows.stream().mapToLong(PlanRow::total).max().orElse(1);
        List<Term> terms = Arrays.stream(Term.values())
                .filter(term -> rows.stream().anyMatch(row -> row.bytes().get(term) > 0)).toList();
        Map<String, Object> context = new LinkedHashMap<>();
        context.put("title", model);
        context.put("remarks", remarks);
        context.put("terms", terms.stream().map(term -> Map.of("key", term.key(), "title", term.title())).toList());
        context.put("rows", rows.stream().map(row -> row(row, terms, most)).toList());
        context.put("parameters", "%,d".formatted(rows.getFirst().memory().base().numbers()));
        PlanRow least = rows.stream().min((a, b) -> Long.compare(a.total(), b.total())).orElseThrow();
        context.put("least", Map.of("name", least.name(), "bytes", bytes(least.total())));
        context.put("several", rows.size() > 1);
        return PAGE.render("Plan for " + model, command, Map.of(), context);
    }

    private static Map<String, Object> row(PlanRow row, List<Term> terms, long most) {
        List<Map<String, Object>> parts = new ArrayList<>();
        for (Term term : terms) {
            long of = row.bytes().get(term);
            parts.add(Map.of("key", term.key(), "title", term.title(), "bytes", bytes(of),
                    "width", String.format(Locale.ROOT, "%.3f", 100.0 * of / most), "drawn", of > 0));
        }
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", row.name());
        view.put("trainable", "%,d".formatted(row.memory().trained().withoutHead()));
        view.put("saved", bytes(row.fileBytes()));
        view.put("total", bytes(row.total()));
        view.put("parts", parts);
        return view;
    }

    private static String bytes(long bytes) {
        String[] units = {"bytes", "KiB", "MiB", "GiB", "TiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " bytes" : String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }
}
