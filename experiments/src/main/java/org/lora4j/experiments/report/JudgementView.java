package org.lora4j.experiments.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.lora4j.experiments.report.Judgement.ClassScore;

/** A {@link Judgement} as {@code report.html} asks for it. */
record JudgementView(String lead, String scatter, List<Heading> headings, List<Row> rows, List<Mistake> mistakes,
        List<Line> classes, List<Card> hardest) {

    /** More classes than these make a table that nobody reads. */
    private static final int LARGEST_TABLE = 12;
    private static final int MISTAKES = 20;

    record Heading(String text) {}

    record Row(String label, List<Cell> cells) {}

    /** @param shade of 100, by the share of the row */
    record Cell(String count, boolean right, boolean none, String shade, String title) {}

    record Mistake(String said, String found, String count) {}

    record Line(String label, String precision, String recall, String f1, String count) {}

    record Card(int number, String first, String second, String said, String found, String sure, String place, boolean right) {}

    boolean hasTable() {
        return !rows.isEmpty();
    }

    boolean hasMistakes() {
        return !mistakes.isEmpty();
    }

    boolean hasClasses() {
        return !classes.isEmpty();
    }

    boolean hasHardest() {
        return !hardest.isEmpty();
    }

    static JudgementView of(Judgement judgement) {
        boolean table = !judgement.labels().isEmpty() && judgement.labels().size() <= LARGEST_TABLE;
        List<Row> rows = new ArrayList<>();
        for (int g = 0; table && g < judgement.labels().size(); g++) {
            rows.add(row(judgement, g));
        }
        List<Mistake> mistakes = table ? List.of() : judgement.mistakes(MISTAKES).stream()
                .map(one -> new Mistake(one.said(), one.found(), Words.count(one.count()))).toList();
        List<Card> cards = new ArrayList<>();
        for (Judgement.Hard hard : judgement.hardest()) {
            cards.add(new Card(cards.size() + 1, hard.first(), hard.second(), hard.said(), hard.found(),
                    Double.isNaN(hard.sure()) ? "" : Words.percent(hard.sure()), hard.place(),
                    !Double.isNaN(hard.sure()) && hard.said().equals(hard.found())));
        }
        return new JudgementView(lead(judgement), ScatterSvg.of(judgement.values()), judgement.labels().stream().map(Heading::new).toList(), rows, mistakes,
                judgement.classes().stream().map(JudgementView::line).toList(), cards);
    }

    private static String lead(Judgement judgement) {
        String texts = Words.count(judgement.texts()) + " dev texts, judged by the values that are kept.";
        if (judgement.labels().isEmpty()) {
            return texts + " Across: what people said; upwards: what the model says; on the line both say the same.";
        }
        return texts + " A row is what people said, a column what the model says.";
    }

    private static Row row(Judgement judgement, int g) {
        List<Integer> counts = judgement.confusion().get(g);
        int all = counts.stream().mapToInt(Integer::intValue).sum();
        List<Cell> cells = new ArrayList<>();
        for (int p = 0; p < counts.size(); p++) {
            double share = all == 0 ? 0 : (double) counts.get(p) / all;
            cells.add(new Cell(Words.count(counts.get(p)), p == g, counts.get(p) == 0,
                    String.format(Locale.ROOT, "%.0f", 100 * Math.sqrt(share)),
                    Words.percent(share) + " of " + judgement.labels().get(g) + " taken for " + judgement.labels().get(p)));
        }
        return new Row(judgement.labels().get(g), cells);
    }

    private static Line line(ClassScore score) {
        return new Line(score.label(), number(score.precision()), number(score.recall()), number(score.f1()), Words.count(score.count()));
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "–" : Words.decimal(value, 3);
    }
}
