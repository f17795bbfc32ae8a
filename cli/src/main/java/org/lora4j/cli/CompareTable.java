package org.lora4j.cli;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.lora4j.experiments.compare.Comparison.Verdict;
import org.lora4j.experiments.compare.JudgedPlace;
import org.lora4j.experiments.compare.Kind;

/** What {@code compare} prints of a backend: a line for each block, and for each kind its place nearest to its bound. */
final class CompareTable {

    private static final int CELL = 27;

    private final Ui ui;

    CompareTable(Ui ui) {
        this.ui = ui;
    }

    void print(Verdict verdict) {
        ui.print(ui.bold(verdict.backend()) + " beside reference" + ui.dim("  (" + verdict.description() + ", u = "
                + String.format(Locale.ROOT, "%.2g", verdict.unitRoundoff()) + ")"));
        StringBuilder head = new StringBuilder(pad("", 12));
        for (Kind kind : Kind.values()) {
            head.append(pad(kind.title(), CELL));
        }
        ui.print(ui.dim(head.toString().stripTrailing()));
        ui.print(ui.dim(pad("", 12) + pad("error     ulps  of bound", CELL).repeat(Kind.values().length).stripTrailing()));
        int layers = verdict.places().stream().mapToInt(JudgedPlace::layer).max().orElse(-1) + 1;
        for (int layer = 0; layer < layers; layer++) {
            line("layer " + layer, verdict, layer);
        }
        line("outside", verdict, -1);
        ui.print("");
        sum(verdict);
        ui.print("");
    }

    private void line(String name, Verdict verdict, int layer) {
        StringBuilder line = new StringBuilder(pad(name, 12));
        boolean over = false;
        for (Kind kind : Kind.values()) {
            Optional<JudgedPlace> worst = worst(verdict.places(kind, layer));
            line.append(pad(worst.map(CompareTable::cell).orElse("-"), CELL));
            over |= worst.map(JudgedPlace::overBound).orElse(false);
        }
        String text = line.toString().stripTrailing();
        ui.print(over ? ui.bad(text) : text);
    }

    private static Optional<JudgedPlace> worst(List<JudgedPlace> places) {
        return places.stream().max(Comparator.comparingDouble(JudgedPlace::share));
    }

    private static String cell(JudgedPlace place) {
        return pad(error(place.distance().relative()), 10) + pad(count(place.distance().ulps()), 6) + share(place)
                + (place.overBound() ? " !" : "");
    }

    private void sum(Verdict verdict) {
        JudgedPlace worst = verdict.worst();
        verdict.firstOverBound().ifPresentOrElse(first -> {
            ui.print(ui.bad("first over its bound: ") + first.kind().title() + " of " + first.text() + ": relative error "
                    + error(first.distance().relative()) + ", " + count(first.distance().ulps()) + " ulp; rounding explains "
                    + error(first.bound()) + ".");
            ui.print("  there, at row " + first.distance().row() + ", column " + first.distance().column() + ", reference has "
                    + (float) first.distance().expected() + " and " + verdict.backend() + " " + (float) first.distance().actual()
                    + "; " + verdict.places().stream().filter(JudgedPlace::overBound).count() + " of " + verdict.places().size()
                    + " places are over.");
        }, () -> ui.print(ui.good("within its bound everywhere") + " (" + verdict.places().size() + " places); nearest: "
                + worst.kind().title() + " of " + worst.text() + " at " + share(worst) + "."));
        if (!verdict.tapsChangeNothing()) {
            ui.print("  the same pass without anybody watching gave other bits: the backend orders its sums by what is asked of it");
        }
    }

    private static String error(double relative) {
        return relative == 0 ? "0" : String.format(Locale.ROOT, "%.1e", relative);
    }

    private static String count(double ulps) {
        return ulps == 0 ? "0" : ulps < 9.95 ? String.format(Locale.ROOT, "%.1f", ulps)
                : ulps < 1e5 ? String.format(Locale.ROOT, "%.0f", ulps) : String.format(Locale.ROOT, "%.0e", ulps);
    }

    private static String share(JudgedPlace place) {
        double percent = 100 * place.share();
        return percent == 0 ? "0 %" : percent < 1 ? "< 1 %" : percent < 1e4 ? String.format(Locale.ROOT, "%.0f %%", percent)
                : String.format(Locale.ROOT, "%.0e %%", percent);
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(1, width - text.length()));
    }
}
