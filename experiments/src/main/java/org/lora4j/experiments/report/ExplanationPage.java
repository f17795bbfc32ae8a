package org.lora4j.experiments.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.lora4j.experiments.explain.Explanation.Expected;
import org.lora4j.experiments.explain.Explanation.StageLine;
import org.lora4j.experiments.explain.Explanation.TokenLine;
import org.lora4j.experiments.explain.Explanation;
import org.lora4j.experiments.explain.ExplanationJson;
import org.lora4j.io.AtomicFile;

/** Writes an explanation as one HTML file without scripts, and its numbers beside it as JSON. */
public final class ExplanationPage {

    private static final StaticPage PAGE = new StaticPage("explanation", "explanation.html", ReportWriter.resource("analysis.css") + HeatMapSvg.css(), ".json");
    /** Columns of a picture beyond which they are too narrow to be seen. */
    private static final int MOST_PICTURED = 128;

    private ExplanationPage() {
    }

    /** What is written for this page, which ends in .html. */
    public static List<Path> files(Path page) {
        return List.of(page, page.resolveSibling(page.getFileName().toString().replaceFirst("\\.html$", ".json")));
    }

    /**
     * Replaces the page and the file of the same name that ends in .json.
     *
     * @param facts   what was asked: model, adapter, text
     * @param command the command line that does it again
     */
    public static void write(Explanation explanation, Map<String, String> facts, String command, Path page) {
        byte[] html = render(explanation, facts, command).getBytes(StandardCharsets.UTF_8);
        AtomicFile.write(page, out -> out.write(html));
        try {
            byte[] json = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT)
                    .writeValueAsBytes(ExplanationJson.of(explanation, facts));
            AtomicFile.write(files(page).get(1), out -> out.write(json));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The page. */
    public static String render(Explanation explanation, Map<String, String> facts, String command) {
        boolean classifies = !explanation.labels().isEmpty();
        Map<String, Object> view = new LinkedHashMap<>();
        String title = facts.getOrDefault("adapter", "an adapter");
        view.put("title", title);
        view.put("verdict", verdict(explanation));
        view.put("classifies", classifies);
        view.put("regression", explanation.summary().regression());
        view.put("tokens", explanation.tokens().stream().map(ExplanationPage::token).toList());
        view.put("labels", explanation.labels().stream().map(label -> Map.of("name", label.name(), "baseScore", number(label.baseScore()),
                "adaptedScore", number(label.adaptedScore()), "base", percent(label.baseProbability()), "adapted",
                percent(label.adaptedProbability()), "baseWidth", width(label.baseProbability()), "adaptedWidth",
                width(label.adaptedProbability()))).toList());
        double largest = explanation.stages().stream().mapToDouble(StageLine::moved).max().orElse(1);
        view.put("stages", explanation.stages().stream().map(stage -> stage(stage, largest)).toList());
        String grid = classifies ? "" : grid(explanation);
        view.put("grid", grid);
        view.put("hasGrid", !grid.isEmpty());
        Map<String, String> named = new LinkedHashMap<>();
        facts.forEach((name, value) -> named.put(capital(name), value));
        return PAGE.render(title + " explained", command, named, view);
    }

    private static String capital(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1).replace('_', ' ');
    }

    private static String verdict(Explanation explanation) {
        StageLine strongest = explanation.strongest();
        if (strongest == null || strongest.moved() == 0) {
            return "The adapter changes nothing here.";
        }
        String by = " " + capital(strongest.name()) + " moves the answer most.";
        if (explanation.summary().regression()) {
            return String.format(Locale.ROOT, "From %.3f to %.3f.", explanation.labels().getFirst().baseScore(),
                    explanation.labels().getFirst().adaptedScore()) + by;
        }
        if (!explanation.labels().isEmpty()) {
            Explanation.LabelLine chosen = explanation.labels().stream()
                    .max(Comparator.comparingDouble(Explanation.LabelLine::adaptedProbability)).orElseThrow();
            return chosen.name() + ": " + percent(chosen.baseProbability()) + " before, " + percent(chosen.adaptedProbability()) + " after." + by;
        }
        double before = explanation.summary().baseLogProbability();
        double after = explanation.summary().adaptedLogProbability();
        return Double.isNaN(before) ? by.strip() : String.format(Locale.ROOT, "A token of this text had a perplexity of %s and has %s now.",
                number(Math.exp(-before)), number(Math.exp(-after))) + by;
    }

    private static Map<String, Object> token(TokenLine token) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("position", token.position());
        view.put("text", shown(token.text()));
        view.put("next", token.next() == null ? "" : shown(token.next().text()));
        view.put("base", expected(token.base(), token.next() == null ? -1 : token.next().id()));
        view.put("adapted", expected(token.adapted(), token.next() == null ? -1 : token.next().id()));
        boolean has = token.next() != null;
        double change = has ? token.adapted().logProbability() - token.base().logProbability() : 0;
        view.put("ranks", has ? token.base().rank() + " → " + token.adapted().rank() : "");
        view.put("logs", has ? String.format(Locale.ROOT, "%.2f → %.2f", token.base().logProbability(), token.adapted().logProbability()) : "");
        view.put("better", has && change > 0.005);
        view.put("worse", has && change < -0.005);
        return view;
    }

    private static List<Map<String, Object>> expected(Expected expected, int next) {
        return expected.top().stream().map(likely -> Map.<String, Object>of("text", shown(likely.text()), "p", percent(likely.probability()),
                "right", likely.id() == next)).toList();
    }

    /** A token as a reader can see it: spaces and line breaks too. */
    static String shown(String text) {
        StringBuilder shown = new StringBuilder();
        text.codePoints().forEach(c -> {
            switch (c) {
                case ' ' -> shown.append('␣');
                case '\n' -> shown.append('↵');
                case '\t' -> shown.append('⇥');
                default -> shown.append(Character.isISOControl(c) || Character.getType(c) == Character.FORMAT
                        ? String.format(Locale.ROOT, "\\u%04x", c) : Character.toString(c));
            }
        });
        return shown.isEmpty() ? "∅" : shown.toString();
    }

    private static Map<String, Object> stage(StageLine stage, double largest) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", stage.name());
        view.put("moved", number(stage.moved()));
        view.put("width", (int) Math.round(100 * stage.moved() / Math.max(largest, Double.MIN_NORMAL)));
        view.put("change", Double.isNaN(stage.change()) ? "–" : String.format(Locale.ROOT, "%+.4f", stage.change()));
        view.put("divergence", number(stage.divergence()));
        return view;
    }

    private static String grid(Explanation explanation) {
        int columns = Math.min(MOST_PICTURED, explanation.tokens().size() - 1);
        if (columns < 1 || explanation.stages().isEmpty()) {
            return "";
        }
        double[][] changes = explanation.stages().stream()
                .map(stage -> Arrays.copyOf(stage.perPosition(), columns)).toArray(double[][]::new);
        double largest = 0;
        for (double[] row : changes) {
            for (double change : row) {
                largest = Math.max(largest, Math.abs(change));
            }
        }
        double round = roundedUp(largest);
        int[] rows = IntStream.range(0, changes.length).map(i -> explanation.stages().get(i).layer()).toArray();
        return HeatMapSvg.signedScale(round)
                + "<div class=\"panel broad-heat\">" + HeatMapSvg.signed(changes, round, new HeatMapSvg.Labels("layer", "position", rows,
                        IntStream.range(0, columns).toArray(), "change of the next token's log-probability by layer and position")) + "</div>";
    }

    /** To 1, 2 or 5 times a power of ten. */
    private static double roundedUp(double largest) {
        if (largest == 0) {
            return 1;
        }
        double power = Math.pow(10, Math.floor(Math.log10(largest)));
        double mantissa = largest / power;
        return power * (mantissa <= 1 ? 1 : mantissa <= 2 ? 2 : mantissa <= 5 ? 5 : 10);
    }

    private static String percent(double probability) {
        return String.format(Locale.ROOT, probability >= 0.0995 ? "%.0f %%" : probability >= 0.00095 ? "%.1f %%" : "< 0.1 %%", 100 * probability);
    }

    private static int width(double probability) {
        return (int) Math.round(100 * probability);
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "–" : value != 0 && Math.abs(value) < 0.0001 ? String.format(Locale.ROOT, "%.1e", value)
                : String.format(Locale.ROOT, Math.abs(value) >= 100 ? "%.0f" : Math.abs(value) >= 10 ? "%.1f" : "%.4f", value);
    }
}
