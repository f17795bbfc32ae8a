package org.lora4j.experiments.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.experiments.compare.Comparison.Verdict;
import org.lora4j.experiments.compare.Distance;
import org.lora4j.experiments.compare.JudgedPlace;
import org.lora4j.experiments.compare.Kind;
import org.lora4j.io.AtomicFile;

/** Writes a comparison as one HTML file without scripts, and its numbers beside it as JSON. */
public final class ComparisonPage {

    private static final StaticPage PAGE = new StaticPage("comparison", "compare.html", ReportWriter.resource("compare.css"), "");

    private ComparisonPage() {
    }

    /** Replaces {@code page}, which ends in .html, and the file of the same name that ends in .json. */
    public static void write(ComparisonFacts facts, List<Verdict> verdicts, Path page) {
        byte[] html = render(facts, verdicts).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(page, out -> out.write(html));
        byte[] json = text(json(facts, verdicts)).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(beside(page), out -> out.write(json));
    }

    /** Where the numbers of a page go. */
    public static Path beside(Path page) {
        return page.resolveSibling(page.getFileName().toString().replaceFirst("\\.html$", ".json"));
    }

    private static String text(Map<String, Object> json) {
        try {
            return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(json) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    // ------------------------------------------------------------------------------------------------ JSON

    /** Everything that was measured. */
    public static Map<String, Object> json(ComparisonFacts facts, List<Verdict> verdicts) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("command", facts.command());
        facts.facts().forEach((label, value) -> json.put(label.toLowerCase(Locale.ROOT), value));
        json.put("backends", verdicts.stream().map(ComparisonPage::json).toList());
        return json;
    }

    private static Map<String, Object> json(Verdict verdict) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("backend", verdict.backend());
        json.put("description", verdict.description());
        json.put("unit_roundoff", verdict.unitRoundoff());
        json.put("within_bounds", verdict.firstOverBound().isEmpty());
        json.put("first_over_bound", verdict.firstOverBound().map(ComparisonPage::json).orElse(null));
        json.put("same_bits_unwatched", verdict.tapsChangeNothing());
        json.put("places", verdict.places().stream().map(ComparisonPage::json).toList());
        return json;
    }

    private static Map<String, Object> json(JudgedPlace row) {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put("kind", row.kind().title());
        json.put("place", row.place());
        json.put("step", row.step());
        json.put("layer", row.layer() < 0 ? null : row.layer());
        json.put("relative_error", row.distance().relative());
        json.put("ulps", row.distance().ulps());
        json.put("bound", row.bound());
        json.put("worst_row", row.distance().row());
        json.put("worst_column", row.distance().column());
        json.put("reference_there", row.distance().expected());
        json.put("backend_there", row.distance().actual());
        return json;
    }

    // ------------------------------------------------------------------------------------------------ HTML

    /** The page. */
    public static String render(ComparisonFacts facts, List<Verdict> verdicts) {
        Map<String, Object> context = new LinkedHashMap<>();
        String title = facts.facts().getOrDefault("Model", "a model");
        context.put("title", title);
        context.put("kinds", List.of(Kind.values()).stream().map(Kind::title).toList());
        context.put("backends", verdicts.stream().map(ComparisonPage::backend).toList());
        return PAGE.render(title + " on several backends", facts.command(), facts.facts(), context);
    }

    private static Map<String, Object> backend(Verdict verdict) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", verdict.backend());
        view.put("description", verdict.description());
        view.put("roundoff", number(verdict.unitRoundoff()));
        view.put("good", verdict.firstOverBound().isEmpty());
        view.put("count", verdict.places().size());
        view.put("over", verdict.places().stream().filter(JudgedPlace::overBound).count());
        view.put("nearest", place(verdict.worst()));
        view.put("first", verdict.firstOverBound().map(ComparisonPage::place).orElse(null));
        view.put("otherBits", !verdict.tapsChangeNothing());
        List<Map<String, Object>> lines = new ArrayList<>();
        int layers = verdict.places().stream().mapToInt(JudgedPlace::layer).max().orElse(-1) + 1;
        for (int layer = 0; layer <= layers; layer++) {
            int number = layer == layers ? -1 : layer;
            List<Map<String, Object>> cells = new ArrayList<>();
            for (Kind kind : Kind.values()) {
                cells.add(verdict.places(kind, number).stream().max(Comparator.comparingDouble(JudgedPlace::share))
                        .map(ComparisonPage::place).orElseGet(() -> Map.of("none", true, "kind", kind.title())));
            }
            lines.add(Map.of("name", number < 0 ? "outside the layers" : "layer " + number, "cells", cells));
        }
        view.put("lines", lines);
        view.put("places", verdict.places().stream().map(ComparisonPage::place).toList());
        return view;
    }

    private static Map<String, Object> place(JudgedPlace row) {
        Distance distance = row.distance();
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("none", false);
        view.put("kind", row.kind().title());
        view.put("place", row.text());
        view.put("error", number(distance.relative()));
        view.put("ulps", distance.ulps() == 0 ? "0" : distance.ulps() < 1e5 ? trimmed(distance.ulps()) : number(distance.ulps()));
        view.put("bound", number(row.bound()));
        view.put("share", share(row.share()));
        view.put("width", (int) Math.min(100, Math.ceil(100 * row.share())));
        view.put("over", row.overBound());
        view.put("at", distance.row() + ", " + distance.column());
        view.put("expected", Float.toString((float) distance.expected()));
        view.put("actual", Float.toString((float) distance.actual()));
        return view;
    }

    private static String trimmed(double ulps) {
        return String.format(Locale.ROOT, ulps < 9.95 ? "%.1f" : "%.0f", ulps);
    }

    private static String share(double share) {
        double percent = 100 * share;
        return percent == 0 ? "0 %" : percent < 1 ? "< 1 %" : percent < 1e4
                ? String.format(Locale.ROOT, "%.0f %%", percent) : number(percent) + " %";
    }

    /** 1.2·10⁻⁷. */
    private static String number(double value) {
        if (value == 0) {
            return "0";
        }
        if (Double.isInfinite(value) || Double.isNaN(value)) {
            return "not finite";
        }
        String[] parts = String.format(Locale.ROOT, "%.1e", value).split("e");
        StringBuilder power = new StringBuilder();
        for (char digit : Integer.toString(Integer.parseInt(parts[1])).toCharArray()) {
            power.append(digit == '-' ? '⁻' : "⁰¹²³⁴⁵⁶⁷⁸⁹".charAt(digit - '0'));
        }
        return parts[0] + "·10" + power;
    }
}
