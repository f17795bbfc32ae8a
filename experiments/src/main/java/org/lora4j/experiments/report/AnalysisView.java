package org.lora4j.experiments.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.lora4j.analysis.Amplification;
import org.lora4j.experiments.analysis.Analysis.MapLine;
import org.lora4j.experiments.analysis.Analysis.Side;
import org.lora4j.experiments.analysis.Analysis.Update;
import org.lora4j.experiments.analysis.Analysis;

/** What the page of an analysis shows: its numbers as words and pictures. A fused map is shown by its parts. */
final class AnalysisView {

    private static final String[] LOOKS = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"};

    private final Analysis analysis;
    private final List<MapLine> lines;
    private final List<String> kinds;
    private final boolean two;
    private final boolean based;

    AnalysisView(Analysis analysis) {
        this.analysis = analysis;
        lines = analysis.maps().stream().filter(line -> !line.parted()).toList();
        kinds = lines.stream().map(line -> line.where().kind()).distinct().toList();
        two = analysis.adapters().size() > 1;
        based = analysis.model() != null;
    }

    String title() {
        return analysis.adapters().stream().map(source -> name(source.path())).collect(Collectors.joining(" and "));
    }

    Map<String, Object> values() {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("title", title());
        view.put("verdict", verdict());
        view.put("subtitle", subtitle());
        view.put("remarks", analysis.notes().remarks());
        view.put("spectra", spectra());
        view.put("layers", byLayer());
        view.put("kinds", kindKey());
        view.put("pairs", two ? pairs(List.of(Side.A_RIGHT, Side.B_LEFT)) : List.of());
        view.put("deltaPairs", two ? pairs(List.of(Side.DELTA_RIGHT, Side.DELTA_LEFT)) : List.of());
        view.put("between", between(Set.of(Side.A_RIGHT, Side.B_LEFT)));
        view.put("deltaBetween", between(Set.of(Side.DELTA_RIGHT, Side.DELTA_LEFT)));
        view.put("amplified", based ? amplified() : List.of());
        view.put("withBase", based ? withBase() : List.of());
        view.put("baseError", based ? baseError() : "");
        view.put("two", two);
        view.put("leftOut", analysis.notes().leftOut().stream().map(left -> Map.of("name", left.module()
                + (left.part() == null ? "" : " " + left.part()), "reason", left.reason())).toList());
        for (String list : List.of("between", "amplified", "withBase", "leftOut")) {
            view.put("has" + capital(list), !((List<?>) view.get(list)).isEmpty());
        }
        return view;
    }

    private static String name(Path path) {
        Path last = path.toAbsolutePath().normalize().getFileName();
        return last == null ? path.toString() : last.toString();
    }

    /** How an adapter is called in a table or a caption: nothing where there is one. */
    private String who(int adapter) {
        return two ? name(analysis.adapters().get(adapter).path()) : "";
    }

    // ------------------------------------------------------------------------------------------------ words

    private String verdict() {
        if (two) {
            double top = median(line -> phi(line, 0));
            double all = median(line -> phi(line, Integer.MAX_VALUE));
            if (Double.isNaN(top)) {
                return "One of the two adapters has no directions yet: its A is zero.";
            }
            return String.format(Locale.ROOT, "The two share their top direction by φ = %.2f and all they have by %.2f; by chance it "
                    + "would be %.2f.", top, all, median(line -> chance(line)));
        }
        double used = median(line -> line.updates().getFirst().spectrum().effectiveRank());
        double rank = median(line -> line.updates().getFirst().rank());
        return used == 0 ? "Half of the updates or more are zero, as before the first step of training."
                : lines.size() == 1 ? String.format(Locale.ROOT, "The update uses %.1f of its %.0f directions.", used, rank)
                : String.format(Locale.ROOT, "Half of the %d updates use fewer than %.1f of their %.0f directions.", lines.size(), used, rank);
    }

    private static double phi(MapLine line, int index) {
        double[][] phi = line.similarity().get(Side.A_RIGHT);
        if (phi == null || phi.length == 0) {
            return Double.NaN;
        }
        int at = Math.min(index, Math.min(phi.length, phi[0].length) - 1);
        return phi[at][index == 0 ? 0 : phi[0].length > phi.length ? phi[0].length - 1 : at];
    }

    private static double chance(MapLine line) {
        return (double) Math.max(line.updates().get(0).rank(), line.updates().get(1).rank()) / line.where().in();
    }

    private double median(ToDoubleFunction<MapLine> number) {
        double[] sorted = lines.stream().mapToDouble(number).filter(value -> !Double.isNaN(value)).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    private String subtitle() {
        List<String> ranks = lines.stream().flatMap(line -> line.updates().stream()).map(update -> String.valueOf(update.rank())).distinct().toList();
        return "ΔW = s·B·A of " + lines.size() + " weights (" + Words.list(kinds.stream().limit(8).toList()) + (kinds.size() > 8 ? " and others" : "")
                + "), rank " + Words.list(ranks.stream().limit(6).toList()) + (based ? ", beside the weights of " + analysis.model() : "") + ".";
    }

    /** What was compared, by its names. */
    Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        for (int k = 0; k < analysis.adapters().size(); k++) {
            Analysis.Source source = analysis.adapters().get(k);
            facts.put(two ? "Adapter " + (k + 1) : "Adapter", source.path() + ", " + source.format()
                    + (source.base() == null ? "" : ", made for " + source.base()));
        }
        facts.put("Base", based ? analysis.model() : "none given: nothing is said of W");
        facts.put("Drawn matrices", "standard normal numbers, seed " + analysis.seed());
        return facts;
    }

    // ------------------------------------------------------------------------------------------------ spectra and layers

    private List<Map<String, Object>> spectra() {
        List<Map<String, Object>> panels = new ArrayList<>();
        for (int k = 0; k < analysis.adapters().size(); k++) {
            int adapter = k;
            for (String kind : kinds) {
                List<MapLine> ofKind = lines.stream().filter(line -> line.where().kind().equals(kind)).toList();
                List<LinesSvg.Line> curves = new ArrayList<>();
                for (int i = 0; i < ofKind.size(); i++) {
                    double[] values = ofKind.get(i).updates().get(adapter).spectrum().singularValues();
                    curves.add(new LinesSvg.Line("d" + (ofKind.size() == 1 ? 7 : 7 * i / (ofKind.size() - 1)), counted(values.length), values));
                }
                panels.add(panel(kind, who(adapter), LinesSvg.of(curves, true, "i", "σᵢ of ΔW", "singular values of " + kind)));
            }
        }
        return panels;
    }

    private static double[] counted(int count) {
        return IntStream.rangeClosed(1, count).asDoubleStream().toArray();
    }

    private static Map<String, Object> panel(String title, String detail, String svg) {
        return Map.of("title", title, "detail", detail, "svg", svg);
    }

    /** Effective rank, norm and amplification by layer, a line for each kind of map. */
    private List<Map<String, Object>> byLayer() {
        List<Map<String, Object>> panels = new ArrayList<>();
        for (int k = 0; k < analysis.adapters().size(); k++) {
            int adapter = k;
            panels.add(panel("Effective rank", who(k), byLayer(line -> line.updates().get(adapter).spectrum().effectiveRank(), "effective rank")));
            panels.add(based ? panel("‖ΔW‖ / ‖W‖", who(k), byLayer(line -> line.base() == null ? Double.NaN
                    : line.updates().get(adapter).spectrum().normDelta() / line.base().norm(), "‖ΔW‖ / ‖W‖"))
                    : panel("‖ΔW‖", who(k), byLayer(line -> line.updates().get(adapter).spectrum().normDelta(), "‖ΔW‖")));
        }
        return panels;
    }

    private String byLayer(ToDoubleFunction<MapLine> number, String what) {
        List<LinesSvg.Line> curves = new ArrayList<>();
        for (int kind = 0; kind < kinds.size(); kind++) {
            String name = kinds.get(kind);
            List<MapLine> ofKind = lines.stream().filter(line -> line.where().kind().equals(name) && line.where().layer() >= 0).toList();
            if (!ofKind.isEmpty()) {
                curves.add(new LinesSvg.Line(LOOKS[kind % LOOKS.length], ofKind.stream().mapToDouble(line -> line.where().layer()).toArray(),
                        ofKind.stream().mapToDouble(number).toArray()));
            }
        }
        return LinesSvg.of(curves, false, "layer", what, what + " by layer");
    }

    // ------------------------------------------------------------------------------------------------ two adapters

    private boolean isPictured(MapLine line) {
        return analysis.notes().detailed().contains(line.where().layer());
    }

    private List<Map<String, Object>> pairs(List<Side> sides) {
        List<Map<String, Object>> groups = new ArrayList<>();
        for (Side side : sides) {
            groups.add(pairs(side, capital(side.title()), phi -> phi));
            if (pictured().stream().map(line -> line.similarity().get(side)).anyMatch(phi -> isWide(phi))) {
                groups.add(pairs(side, capital(side.title()) + ", the first of both", phi -> isWide(phi) ? leftOf(phi) : phi));
            }
        }
        return groups;
    }

    /** Kind by kind, and within one layer by layer. */
    private List<MapLine> pictured() {
        return kinds.stream().flatMap(kind -> lines.stream().filter(line -> line.where().kind().equals(kind))).filter(this::isPictured).toList();
    }

    /** @param shown what of a grid is shown */
    private Map<String, Object> pairs(Side side, String title, UnaryOperator<double[][]> shown) {
        Set<Analysis.GaussianPair> beside = new LinkedHashSet<>();
        double largest = HeatMapSvg.roundedUp(pictured().stream().map(line -> line.similarity().get(side)).filter(phi -> phi.length > 0)
                .mapToDouble(phi -> HeatMapSvg.largest(shown.apply(phi))).max().orElse(1));
        List<Map<String, Object>> panels = new ArrayList<>();
        for (MapLine line : pictured()) {
            double[][] phi = line.similarity().get(side);
            if (phi.length == 0) {
                panels.add(panel(caption(line), "no directions: " + (side == Side.A_RIGHT ? "A" : side == Side.B_LEFT ? "B" : "ΔW")
                        + " is zero in one of the two", ""));
                continue;
            }
            panels.add(grid(caption(line), "", shown.apply(phi), largest, "i of " + who(0), "j of " + who(1)));
            Analysis.GaussianPair gaussian = side == Side.A_RIGHT ? analysis.gaussianBeside(line) : null;
            if (gaussian != null) {
                beside.add(gaussian);
            }
        }
        for (Analysis.GaussianPair pair : beside) {
            panels.add(grid("Gaussian matrices", "of " + pair.firstRank() + " and " + pair.secondRank() + " × " + pair.dimension()
                    + ": what chance gives", shown.apply(pair.similarity()), largest, "i", "j"));
        }
        return Map.of("title", title, "panels", panels, "scale", HeatMapSvg.scale(largest));
    }

    private static boolean isWide(double[][] phi) {
        return phi.length > 0 && phi[0].length >= 2 * phi.length;
    }

    private static double[][] leftOf(double[][] phi) {
        return Arrays.stream(phi).map(row -> Arrays.copyOf(row, phi.length)).toArray(double[][]::new);
    }

    private static String caption(MapLine line) {
        return (line.where().layer() < 0 ? "" : "layer " + line.where().layer() + " · ") + line.where().kind();
    }

    private static Map<String, Object> grid(String title, String detail, double[][] phi, double largest, String rows, String columns) {
        return panel(title, detail, HeatMapSvg.of(phi, largest, HeatMapSvg.Labels.counted(rows, columns, phi, "φ(i, j), " + title
                + String.format(Locale.ROOT, ": %.3f at (1, 1), %.3f at the end", phi[0][0], phi[phi.length - 1][phi[0].length - 1]))));
    }

    private static String capital(String text) {
        return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
    }

    // ------------------------------------------------------------------------------------------------ one adapter

    private List<Map<String, Object>> between(Set<Side> sides) {
        List<Map<String, Object>> groups = new ArrayList<>();
        Map<String, List<Analysis.BetweenLayers>> bySide = analysis.between().stream()
                .filter(between -> sides.contains(between.side()) && kinds.contains(between.kind()))
                .collect(Collectors.groupingBy(between -> between.side().title() + ", the first " + between.top(), LinkedHashMap::new,
                        Collectors.toList()));
        bySide.forEach((title, all) -> {
            double largest = HeatMapSvg.roundedUp(all.stream().mapToDouble(between -> HeatMapSvg.largest(offDiagonal(between.similarity())))
                    .max().orElse(1));
            List<Map<String, Object>> panels = all.stream().map(between -> {
                int[] layers = between.layers().stream().mapToInt(Integer::intValue).toArray();
                return panel(between.kind(), String.format(Locale.ROOT, "by chance %.3f", between.expected()), HeatMapSvg.of(between.similarity(),
                        largest, new HeatMapSvg.Labels("layer", "layer", layers, layers, "φ between the layers of " + between.kind())));
            }).toList();
            groups.add(Map.of("title", capital(title), "panels", panels, "scale", HeatMapSvg.scale(largest)));
        });
        return groups;
    }

    private static double[][] offDiagonal(double[][] square) {
        double[][] copy = Arrays.stream(square).map(double[]::clone).toArray(double[][]::new);
        for (int i = 0; i < copy.length; i++) {
            copy[i][i] = 0;
        }
        return copy;
    }

    // ------------------------------------------------------------------------------------------------ with the base

    private List<Map<String, Object>> amplified() {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (MapLine line : lines) {
            for (int k = 0; k < line.updates().size(); k++) {
                Update update = line.updates().get(k);
                Amplification amplified = update.amplified();
                int last = amplified == null ? 0 : amplified.byDelta().length - 1;
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("name", caption(line) + (two ? " · " + who(k) : ""));
                row.put("r", update.rank());
                row.put("norm", line.base() == null ? "–" : significant(line.base().norm()));
                row.put("delta", significant(update.spectrum().normDelta()));
                row.put("byDelta", number(amplified, a -> a.byDelta()[last]));
                row.put("byBase", number(amplified, a -> a.byWeight() == null ? Double.NaN : a.byWeight()[last]));
                row.put("byRandom", number(amplified, a -> a.byRandom()[last]));
                row.put("expected", number(amplified, a -> a.expected()[last]));
                row.put("factor", number(amplified, Amplification::factor));
                rows.add(row);
            }
        }
        return rows;
    }

    private static String number(@Nullable Amplification amplified, Function<Amplification, Double> which) {
        return amplified == null ? "–" : significant(which.apply(amplified));
    }

    /** Four digits that count. */
    private static String significant(double value) {
        if (!Double.isFinite(value)) {
            return "–";
        }
        int decimals = value == 0 ? 1 : Math.clamp(3 - (int) Math.floor(Math.log10(Math.abs(value))), 0, 8);
        return String.format(Locale.ROOT, "%,." + decimals + "f", value);
    }

    private List<Map<String, Object>> withBase() {
        List<Map<String, Object>> groups = new ArrayList<>();
        for (boolean right : new boolean[] {true, false}) {
            List<Map<String, Object>> panels = new ArrayList<>();
            double largest = HeatMapSvg.roundedUp(lines.stream().flatMap(line -> line.updates().stream()).filter(update -> update.withBase() != null)
                    .mapToDouble(update -> HeatMapSvg.largest(right ? update.withBase().right() : update.withBase().left())).max().orElse(1));
            for (int k = 0; k < analysis.adapters().size(); k++) {
                double[][] random = null;
                for (MapLine line : lines) {
                    Analysis.WithBase found = line.updates().get(k).withBase();
                    if (found != null) {
                        panels.add(grid(caption(line), who(k), right ? found.right() : found.left(), largest, "i of W", "j of ΔW"));
                        random = right ? found.randomRight() : found.randomLeft();
                    }
                }
                if (random != null && random.length > 0) {
                    panels.add(grid("random directions", "in ΔW's place: what chance gives", random, largest, "i of W", "j"));
                }
            }
            if (!panels.isEmpty()) {
                groups.add(Map.of("title", right ? "Right singular directions, of the input" : "Left singular directions, of the output",
                        "panels", panels, "scale", HeatMapSvg.scale(largest)));
            }
        }
        return groups;
    }

    private String baseError() {
        double error = lines.stream().filter(line -> line.base() != null).mapToDouble(line -> line.base().error()).max().orElse(0);
        int steps = lines.stream().filter(line -> line.base() != null).mapToInt(line -> line.base().steps()).max().orElse(0);
        return steps == 0 ? "W is decomposed whole." : String.format(Locale.ROOT, "W's largest singular values and directions are found by at most "
                + "%d steps of bidiagonalisation; the largest residual ‖Wᵀu − σv‖ is %.0e of σ₁.", steps, error);
    }

    /** The key to the lines of {@link #byLayer}. */
    private List<Map<String, Object>> kindKey() {
        return IntStream.range(0, kinds.size()).mapToObj(k -> Map.<String, Object>of("look", LOOKS[k % LOOKS.length], "name", kinds.get(k))).toList();
    }
}
