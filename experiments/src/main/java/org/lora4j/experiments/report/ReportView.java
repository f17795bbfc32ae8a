package org.lora4j.experiments.report;

import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.lora4j.experiments.report.InputFacts.Piece;
import org.lora4j.experiments.report.RunReport.Column;
import org.lora4j.experiments.report.RunReport.Comparison;
import org.lora4j.experiments.report.RunReport.Fact;
import org.lora4j.experiments.report.RunReport.Line;
import org.lora4j.experiments.report.RunReport.RecipeRow;
import org.lora4j.experiments.report.RunReport.Sample;
import org.lora4j.experiments.report.RunReport.Score;
import org.lora4j.experiments.report.TrainingCurves.EvaluationPoint;
import org.lora4j.experiments.report.TrainingCurves.TrainingPoint;
import org.lora4j.task.ClassifierMeasure;

/** A {@link RunReport} as {@code report.html} asks for it: every number already words, every choice already made. */
record ReportView(String title, String subtitle, String date, List<Phrase> verdict, List<ScoreTile> scores, Trained trained,
        Pace pace, Curve curve, JudgementView judgement, List<ComparisonTable> comparisons, List<SampleCard> samples,
        List<RecipeCells> recipe, List<FactGroup> facts, List<String> command) {

    /** A number that was measured or counted in thousands, and no rank, seed or number of runs. */
    private static final Pattern NUMBER = Pattern.compile("\\d[\\d,]*\\.\\d+|\\d{1,3}(,\\d{3})+");

    record Phrase(String text, boolean strong) {}

    /** Bar widths are percentages of the larger of the two numbers. */
    record ScoreTile(String name, String before, String after, String change, boolean improved, String beforeWidth,
            String afterWidth) {}

    record Trained(String count, String total, String percent, String width, String method) {}

    record Pace(String time, String detail) {}

    /** @param measure what counts, for people; empty where that is the loss */
    record Curve(String description, String svg, boolean hasTraining, boolean hasRate, boolean hasSpeed, String measure,
            List<String> headings, List<EvaluationRow> evaluations) {

        boolean hasEvaluations() {
            return !evaluations.isEmpty();
        }
    }

    record EvaluationRow(List<String> cells) {}

    record ComparisonTable(String title, String lead, List<String> headings, List<ComparisonLine> lines) {}

    record ComparisonLine(String name, boolean counts, List<Cell> cells) {}

    /** @param width of the bar beneath the number, in percent of the column's largest */
    record Cell(String text, boolean best, String width) {}

    record SampleCard(int number, List<InputFacts.Fact> input, List<Text> texts) {}

    /** @param found "3 of 5 values", or empty where there is nothing to look for */
    record Text(String kind, String heading, boolean first, String found, List<Piece> pieces) {}

    record RecipeCells(String what, String paper, String scripts, String used, boolean differs) {}

    record FactGroup(String heading, boolean code, List<Fact> facts) {}

    boolean hasTiles() {
        return !scores.isEmpty() || trained != null || pace != null;
    }

    boolean hasSamples() {
        return !samples.isEmpty();
    }

    boolean hasCommand() {
        return !command.isEmpty();
    }

    boolean hasRecipe() {
        return !recipe.isEmpty();
    }

    /** Whether the recipe has a published one beside it. */
    boolean besidePaper() {
        return recipe.stream().anyMatch(row -> !row.paper().isBlank() || !row.scripts().isBlank());
    }

    static ReportView of(RunReport report) {
        return new ReportView(report.title(), report.subtitle() == null ? "" : report.subtitle(),
                report.date().format(DateTimeFormatter.ofPattern("d MMMM yyyy, HH:mm", Locale.ENGLISH)),
                verdict(report), report.scores().stream().map(ReportView::tile).toList(), trained(report), pace(report),
                curve(report.curves()), report.judgement() == null ? null : JudgementView.of(report.judgement()),
                report.comparisons().stream().map(ReportView::comparison).toList(),
                samples(report.samples()), report.recipe().stream().map(ReportView::cells).toList(),
                facts(report), command(report.command()));
    }

    /** In words, so that the page can break lines between arguments only. */
    private static List<String> command(String line) {
        return line == null || line.isBlank() ? List.of() : List.of(line.strip().split(" "));
    }

    /** The run in one sentence. */
    private static List<Phrase> verdict(RunReport report) {
        List<Phrase> sentence = new ArrayList<>();
        if (!report.verdict().isEmpty()) {
            return emphasised(report.verdict());
        }
        String percent = Words.percent(fraction(report));
        if (report.scores().isEmpty()) {
            sentence.add(new Phrase(report.method().name() + " trained ", false));
        } else {
            Score score = report.scores().getFirst();
            String before = Words.decimal(score.before(), score.decimals());
            String after = Words.decimal(score.after(), score.decimals());
            if (score.improved()) {
                sentence.add(new Phrase(score.name() + (score.lowerIsBetter() ? " fell from " : " rose from "), false));
                sentence.add(new Phrase(before, true));
                sentence.add(new Phrase(" to ", false));
                sentence.add(new Phrase(after, true));
            } else {
                sentence.add(new Phrase(score.name(), false));
                sentence.add(new Phrase(" did not improve", true));
                sentence.add(new Phrase(" (" + before + " before, " + after + " after)", false));
            }
            sentence.add(new Phrase(" by training ", false));
        }
        sentence.add(new Phrase(percent, true));
        sentence.add(new Phrase(" of the parameters" + (report.trainingTime() == null ? "." : " for "), false));
        if (report.trainingTime() != null) {
            sentence.add(new Phrase(Words.duration(report.trainingTime()), true));
            sentence.add(new Phrase(".", false));
        }
        return sentence;
    }

    /** Numbers are what a headline is about. */
    private static List<Phrase> emphasised(String sentence) {
        List<Phrase> phrases = new ArrayList<>();
        Matcher number = NUMBER.matcher(sentence);
        int at = 0;
        while (number.find()) {
            phrases.add(new Phrase(sentence.substring(at, number.start()), false));
            phrases.add(new Phrase(number.group(), true));
            at = number.end();
        }
        phrases.add(new Phrase(sentence.substring(at), false));
        return phrases;
    }

    private static ComparisonTable comparison(Comparison comparison) {
        int columns = comparison.columns().size();
        double[] best = new double[columns];
        double[] largest = new double[columns];
        for (int c = 0; c < columns; c++) {
            int column = c;
            int better = comparison.columns().get(c).better();
            best[c] = better == 0 ? Double.NaN : comparison.lines().stream().filter(Line::counts)
                    .map(line -> line.values().get(column)).filter(Double::isFinite)
                    .max(Comparator.comparing(value -> better * value)).orElse(Double.NaN);
            largest[c] = comparison.lines().stream().mapToDouble(line -> line.values().get(column)).filter(Double::isFinite)
                    .max().orElse(Double.NaN);
        }
        boolean several = comparison.lines().stream().filter(Line::counts).count() > 1;
        return new ComparisonTable(comparison.title(), comparison.lead(),
                comparison.columns().stream().map(Column::heading).toList(),
                comparison.lines().stream().map(line -> new ComparisonLine(line.name(), line.counts(),
                        IntStream.range(0, columns).mapToObj(c -> cell(comparison.columns().get(c), line.values().get(c),
                                several && line.counts() ? best[c] : Double.NaN, largest[c])).toList())).toList());
    }

    private static Cell cell(Column column, double value, double best, double largest) {
        if (!Double.isFinite(value)) {
            return new Cell("", false, "0");
        }
        return new Cell(Words.decimal(value, column.decimals()), value == best,
                Double.isNaN(best) ? "0" : width(value / largest));
    }

    private static double fraction(RunReport report) {
        return (double) report.method().trainableParameters() / report.base().parameters();
    }

    private static ScoreTile tile(Score score) {
        double larger = Math.max(Math.abs(score.before()), Math.abs(score.after()));
        return new ScoreTile(score.name(), Words.decimal(score.before(), score.decimals()),
                Words.decimal(score.after(), score.decimals()), Words.change(score.before(), score.after()), score.improved(),
                width(score.before() / larger), width(score.after() / larger));
    }

    private static String width(double fraction) {
        return Double.isFinite(fraction) ? String.format(Locale.ROOT, "%.2f", 100 * Math.clamp(fraction, 0, 1)) : "0";
    }

    private static Trained trained(RunReport report) {
        if (report.method() == null) {
            return null;
        }
        return new Trained(Words.count(report.method().trainableParameters()),
                Words.count(report.base().parameters()), Words.percent(fraction(report)), width(fraction(report)),
                report.method().name() + " " + report.method().settings() + " of " + report.base().name());
    }

    private static Pace pace(RunReport report) {
        if (report.trainingTime() == null) {
            return null;
        }
        double[] speeds = report.curves().training().stream().mapToDouble(TrainingPoint::tokensPerSecond)
                .filter(Double::isFinite).sorted().toArray();
        List<String> details = new ArrayList<>();
        if (report.curves().lastStep() > 0) {
            details.add(Words.count(report.curves().lastStep()) + " steps");
        }
        if (speeds.length > 0) {
            details.add(Words.count(Math.round(speeds[speeds.length / 2])) + " tokens/s (median)");
        }
        return new Pace(Words.duration(report.trainingTime()), String.join(", ", details));
    }

    /** Null if nothing was measured on the way. */
    private static Curve curve(TrainingCurves curves) {
        if (curves.training().isEmpty() && curves.evaluations().isEmpty()) {
            return null;
        }
        List<String> said = new ArrayList<>();
        if (!curves.training().isEmpty()) {
            double[] smoothed = curves.smoothedLoss();
            said.add("Training loss goes from " + Words.decimal(smoothed[0], 2) + " at step "
                    + Words.count(curves.training().getFirst().step()) + " to "
                    + Words.decimal(smoothed[smoothed.length - 1], 2) + " at step "
                    + Words.count(curves.training().getLast().step()) + ", smoothed.");
        }
        if (!curves.evaluations().isEmpty()) {
            EvaluationPoint first = curves.evaluations().getFirst();
            EvaluationPoint last = curves.evaluations().getLast();
            said.add("Dev loss goes from " + Words.decimal(first.devLoss(), 2) + " at step " + Words.count(first.step())
                    + " to " + Words.decimal(last.devLoss(), 2) + " at step " + Words.count(last.step()) + ".");
        }
        List<String> measures = curves.measures();
        return new Curve(String.join(" ", said), LossCurveSvg.of(curves), !curves.training().isEmpty(),
                curves.training().stream().anyMatch(p -> Double.isFinite(p.learningRate())),
                curves.training().stream().anyMatch(p -> Double.isFinite(p.tokensPerSecond())),
                measures.isEmpty() ? "" : "Dev " + words(measures.getFirst()), headings(measures),
                curves.evaluations().stream().map(ReportView::evaluation).toList());
    }

    private static List<String> headings(List<String> measures) {
        List<String> headings = new ArrayList<>(List.of("Step", "Dev loss"));
        if (measures.isEmpty()) {
            headings.add("Perplexity");
        }
        measures.forEach(measure -> headings.add(Character.toUpperCase(measure.charAt(0)) + words(measure).substring(1)));
        return headings;
    }

    /** {@code macro F1}, {@code Pearson}: as people write the measures of classifiers. */
    private static String words(String measure) {
        return Arrays.stream(ClassifierMeasure.Kind.values()).filter(kind -> kind.text().equals(measure)).findFirst()
                .map(ClassifierMeasure.Kind::title).orElse(measure.replace('_', ' '));
    }

    private static EvaluationRow evaluation(EvaluationPoint point) {
        List<String> cells = new ArrayList<>(List.of(Words.count(point.step()), Words.decimal(point.devLoss(), 4)));
        if (point.measures().isEmpty()) {
            cells.add(Words.decimal(point.devPerplexity(), 2));
        }
        point.measures().values().forEach(value -> cells.add(Words.decimal(value, 4)));
        return new EvaluationRow(cells);
    }

    private static List<SampleCard> samples(List<Sample> samples) {
        List<SampleCard> cards = new ArrayList<>();
        for (Sample sample : samples) {
            InputFacts input = new InputFacts(sample.input());
            List<Text> texts = new ArrayList<>();
            texts.add(text("before", "Before", true, sample.before(), input));
            texts.add(text("after", "After", true, sample.after(), input));
            for (String reference : sample.references()) {
                texts.add(text("reference", sample.references().size() == 1 ? "Reference" : "References",
                        texts.size() == 2, reference, input));
            }
            cards.add(new SampleCard(cards.size() + 1, input.facts(), texts));
        }
        return cards;
    }

    private static Text text(String kind, String heading, boolean first, String text, InputFacts input) {
        String stripped = text.strip();
        String found = input.size() == 0 ? "" : input.foundIn(stripped) + " of " + input.size() + " values";
        return new Text(kind, heading, first, found, stripped.isEmpty() ? List.of() : input.pieces(stripped));
    }

    private static RecipeCells cells(RecipeRow row) {
        return new RecipeCells(row.what(), row.paper(), row.scripts(), row.used(), differs(row.used(), row.paper()));
    }

    private static boolean differs(String used, String said) {
        return !said.isBlank() && !used.strip().equalsIgnoreCase(said.strip());
    }

    private static List<FactGroup> facts(RunReport report) {
        return List.of(new FactGroup("Files", true, report.files()), new FactGroup("Time", false, report.timings()),
                        new FactGroup("Machine", false, report.environment())).stream()
                .filter(group -> !group.facts().isEmpty()).toList();
    }

    /** The curves as the page's script reads them; a number that is not finite is null. */
    static ChartData chartData(TrainingCurves curves) {
        List<TrainingPoint> training = curves.training();
        List<EvaluationPoint> evaluations = curves.evaluations();
        List<String> measures = curves.measures();
        return new ChartData(
                training.stream().map(TrainingPoint::step).toList(),
                finite(training.stream().mapToDouble(TrainingPoint::loss).toArray()),
                finite(curves.smoothedLoss()),
                finite(training.stream().mapToDouble(TrainingPoint::learningRate).toArray()),
                finite(training.stream().mapToDouble(TrainingPoint::tokensPerSecond).toArray()),
                evaluations.stream().map(EvaluationPoint::step).toList(),
                finite(evaluations.stream().mapToDouble(EvaluationPoint::devLoss).toArray()),
                finite(evaluations.stream().mapToDouble(EvaluationPoint::devPerplexity).toArray()),
                measures.isEmpty() ? List.of() : finite(evaluations.stream()
                        .mapToDouble(point -> point.measures().getOrDefault(measures.getFirst(), Double.NaN)).toArray()));
    }

    record ChartData(List<Long> step, List<Double> loss, List<Double> smoothed, List<Double> learningRate,
            List<Double> tokensPerSecond, List<Long> devStep, List<Double> devLoss, List<Double> devPerplexity,
            List<Double> devMeasure) {}

    /** Rounded to the digits of a float. */
    private static List<Double> finite(double[] values) {
        return Arrays.stream(values)
                .mapToObj(v -> Double.isFinite(v) ? Double.valueOf(Float.toString((float) v)) : null).toList();
    }
}
