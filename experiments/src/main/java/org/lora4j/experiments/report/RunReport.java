package org.lora4j.experiments.report;

import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.lora4j.Names;

/**
 * Everything a report says about one run, or about several that are compared. Lists may be empty, {@code method} and
 * {@code trainingTime} may be null: the page leaves out what it has nothing to say about.
 */
public final class RunReport {

    private final String title;
    private final String subtitle;
    private final ZonedDateTime date;
    private final Base base;
    private final @Nullable Method method;
    private final List<RecipeRow> recipe;
    private final TrainingCurves curves;
    private final List<Score> scores;
    private final List<Sample> samples;
    private final @Nullable Duration trainingTime;
    private final List<Fact> environment;
    private final List<Fact> timings;
    private final List<Fact> files;
    private final String command;
    private final List<Comparison> comparisons;
    private final @Nullable Judgement judgement;
    private final String verdict;

    /** The model that was adapted, and how many parameters it has. */
    public record Base(String name, long parameters) {}

    /**
     * How it was adapted.
     *
     * @param name                "LoRA", or another of the paper's methods
     * @param settings            what characterises it, in words: "r 4, alpha 32, on q and v"
     * @param trainableParameters how many numbers training may change
     */
    public record Method(String name, String settings, long trainableParameters) {

        /** LoRA with these numbers. */
        public static Method lora(int r, double alpha, List<String> targets, long trainableParameters) {
            return new Method(
                    "LoRA", "r " + r + ", alpha " + Names.number(alpha) + ", on " + Words.list(targets), trainableParameters);
        }

        /** The same under another name, such as DoRA. */
        public Method named(String other) {
            return new Method(other, settings, trainableParameters);
        }
    }

    /** One line of the recipe. Empty where a source is silent. */
    public record RecipeRow(String what, String paper, String scripts, String used) {}

    /** A number before and after training. */
    public record Score(String name, double before, double after, boolean lowerIsBetter, int decimals) {

        /** The dev loss before and after, in nats a token; lower is better. */
        public static Score devLoss(double before, double after) {
            return new Score("Dev loss", before, after, true, 2);
        }

        /** The perplexity before and after; lower is better. */
        public static Score perplexity(double before, double after) {
            return new Score("Perplexity", before, after, true, 1);
        }

        /** A score such as BLEU, where more is better. */
        public static Score higherIsBetter(String name, double before, double after, int decimals) {
            return new Score(name, before, after, false, decimals);
        }

        boolean improved() {
            return lowerIsBetter ? after < before : after > before;
        }
    }

    /** What the model wrote for one input before and after training, and what people wrote. */
    public record Sample(String input, String before, String after, List<String> references) {

        /** Keeps its own list of what people wrote. */
        public Sample {
            references = List.copyOf(references);
        }
    }

    /**
     * Runs side by side. In every column the best of those that count is marked.
     *
     * @param lead what the reader should know first; may be empty
     */
    public record Comparison(String title, String lead, List<Column> columns, List<Line> lines) {

        /** Keeps its own lists. */
        public Comparison {
            columns = List.copyOf(columns);
            lines = List.copyOf(lines);
        }
    }

    /**
     * A column of numbers.
     *
     * @param decimals to print
     * @param better   +1 where more is better, −1 where less is, 0 where there is no better
     */
    public record Column(String heading, int decimals, int better) {}

    /**
     * A line of a comparison.
     *
     * @param values one for each column, NaN where there is none
     * @param counts whether it takes part in who is best; the paper's own numbers, of another model, do not
     */
    public record Line(String name, List<Double> values, boolean counts) {

        /** Keeps its own list of the values. */
        public Line {
            values = List.copyOf(values);
        }
    }

    /** A label and what there is to say about it. */
    public record Fact(String label, String value) {}

    private RunReport(Builder parts) {
        title = Objects.requireNonNull(parts.title, "title");
        subtitle = parts.subtitle;
        date = Objects.requireNonNull(parts.date, "date");
        base = Objects.requireNonNull(parts.base, "base");
        method = parts.method;
        recipe = List.copyOf(parts.recipe);
        curves = parts.curves;
        scores = List.copyOf(parts.scores);
        samples = List.copyOf(parts.samples);
        trainingTime = parts.trainingTime;
        environment = List.copyOf(parts.environment);
        timings = List.copyOf(parts.timings);
        files = List.copyOf(parts.files);
        command = parts.command;
        comparisons = List.copyOf(parts.comparisons);
        judgement = parts.judgement;
        verdict = parts.verdict;
    }

    /** Begins a report. */
    public static Builder of(String title, Base base, Method method) {
        return new Builder(title, base, method);
    }

    /** A page about several runs of one base, with a headline of its own. */
    public static Builder summary(String title, Base base, String verdict) {
        Builder builder = new Builder(title, base, null);
        builder.verdict = verdict;
        return builder;
    }

    /** What ran, in a few words: "LoRA on E2E". */
    public String title() {
        return title;
    }

    /** One sentence more. */
    public String subtitle() {
        return subtitle;
    }

    /** When it ended. */
    public ZonedDateTime date() {
        return date;
    }

    /** What was adapted. */
    public Base base() {
        return base;
    }

    /** Null for a page about several runs. */
    public @Nullable Method method() {
        return method;
    }

    /** The recipe: what the paper, the scripts and this run used. */
    public List<RecipeRow> recipe() {
        return recipe;
    }

    /** Losses and rates over the steps. */
    public TrainingCurves curves() {
        return curves;
    }

    /** Before and after, the most telling first: it makes the headline. */
    public List<Score> scores() {
        return scores;
    }

    /** Texts of before and after. */
    public List<Sample> samples() {
        return samples;
    }

    /** From the first to the last update; null where none was measured. */
    public @Nullable Duration trainingTime() {
        return trainingTime;
    }

    /** Machine, Java, backend. */
    public List<Fact> environment() {
        return environment;
    }

    /** What took how long. */
    public List<Fact> timings() {
        return timings;
    }

    /** What the run has left, and where. */
    public List<Fact> files() {
        return files;
    }

    /** The command line that made this run, as one would type it. */
    public String command() {
        return command;
    }

    /** This run beside others, in tables. */
    public List<Comparison> comparisons() {
        return comparisons;
    }

    /** How a classifier judged the dev texts; null for what writes. */
    public @Nullable Judgement judgement() {
        return judgement;
    }

    /** The headline, for a page about several runs; empty to have it made of the first score. */
    public String verdict() {
        return verdict;
    }

    /** Collects the parts of a report in the order in which a run comes to know them. */
    public static final class Builder {

        private final String title;
        private final Base base;
        private final @Nullable Method method;
        private final List<RecipeRow> recipe = new ArrayList<>();
        private final List<Score> scores = new ArrayList<>();
        private final List<Sample> samples = new ArrayList<>();
        private final List<Fact> environment = new ArrayList<>();
        private final List<Fact> timings = new ArrayList<>();
        private final List<Fact> files = new ArrayList<>();
        private String subtitle = "";
        private ZonedDateTime date = ZonedDateTime.now();
        private TrainingCurves curves = TrainingCurves.none();
        private @Nullable Duration trainingTime;
        private String command = "";
        private final List<Comparison> comparisons = new ArrayList<>();
        private @Nullable Judgement judgement;
        private String verdict = "";

        private Builder(String title, Base base, @Nullable Method method) {
            this.title = title;
            this.base = base;
            this.method = method;
        }

        /** What stands below the title. */
        public Builder subtitle(String text) {
            subtitle = text;
            return this;
        }

        /** When the run ended. */
        public Builder date(ZonedDateTime when) {
            date = when;
            return this;
        }

        /** Adds a row to the recipe. */
        public Builder recipe(String what, String paper, String scripts, String used) {
            recipe.add(new RecipeRow(what, paper, scripts, used));
            return this;
        }

        /** Adds rows to the recipe. */
        public Builder recipe(List<RecipeRow> rows) {
            recipe.addAll(rows);
            return this;
        }

        /** The curves to draw. */
        public Builder curves(TrainingCurves measured) {
            curves = measured;
            return this;
        }

        /** Adds a score. */
        public Builder score(Score score) {
            scores.add(score);
            return this;
        }

        /** Adds scores. */
        public Builder scores(List<Score> found) {
            scores.addAll(found);
            return this;
        }

        /** Adds texts of before and after. */
        public Builder samples(List<Sample> texts) {
            samples.addAll(texts);
            return this;
        }

        /** Adds a text of before and after. */
        public Builder sample(Sample sample) {
            samples.add(sample);
            return this;
        }

        /** How long training took. */
        public Builder trainingTime(Duration time) {
            trainingTime = time;
            return this;
        }

        /** Adds a line on the machine. */
        public Builder environment(String label, String value) {
            environment.add(new Fact(label, value));
            return this;
        }

        /** Adds lines on the machine. */
        public Builder environment(List<Fact> facts) {
            environment.addAll(facts);
            return this;
        }

        /** Adds lines on times. */
        public Builder timings(List<Fact> facts) {
            timings.addAll(facts);
            return this;
        }

        /** Adds a line on times. */
        public Builder timing(String label, String value) {
            timings.add(new Fact(label, value));
            return this;
        }

        /** Adds a file that the run has left. */
        public Builder file(String label, String path) {
            files.add(new Fact(label, path));
            return this;
        }

        /** Puts rows of several runs beside each other. */
        public Builder comparison(Comparison comparison) {
            comparisons.add(comparison);
            return this;
        }

        /** What the classifier said of the test set. */
        public Builder judgement(Judgement found) {
            judgement = found;
            return this;
        }

        /** The command that does it again. */
        public Builder command(String line) {
            command = line;
            return this;
        }

        /** The report. */
        public RunReport build() {
            return new RunReport(this);
        }
    }
}
