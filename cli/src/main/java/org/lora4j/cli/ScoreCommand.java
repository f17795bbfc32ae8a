package org.lora4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.data.DataSets;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.data.DataName;
import org.lora4j.experiments.data.E2e;
import org.lora4j.experiments.data.WikiSql;
import org.lora4j.task.LabelScores;
import org.lora4j.experiments.metrics.Corpus;
import org.lora4j.task.Correlation;
import org.lora4j.experiments.metrics.GenerationEval;
import org.lora4j.experiments.metrics.Metric;
import org.lora4j.experiments.metrics.Score;
import org.lora4j.experiments.metrics.TextLines;
import org.lora4j.experiments.sql.WikiSqlScores;
import org.lora4j.io.TextInput;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lora4j score}. */
@Command(
        name = "score",
        description = {
            "Scores texts, queries or labels in files: BLEU, METEOR, ROUGE, TER, F1 …",
            "",
            "Texts: bleu, nist, meteor, rouge-l and cider as the E2E scorer computes them (these five if nothing is asked "
                    + "for), nist-python as it does with --python, ter as sacrebleu and tercom; rouge-1, rouge-2 and rouge-l-f1 as "
                    + "rouge_score with stems. METEOR has no paraphrases and says so. Queries: with --ref wikisql:DIR logical-form and "
                    + "execution accuracy. Labels: accuracy, f1, matthews, pearson, spearman.",
            "",
            "Each line of --hyp is a text. References: one file with groups of lines split by blank lines, or with a line "
                    + "for each text; or several files with a line for each text.",
        },
        footer = {
            "  lora4j score --hyp output.txt --ref references.txt",
            "  lora4j score --hyp output.txt --ref ref0.txt --ref ref1.txt --metric bleu,ter --json",
            "  lora4j score --hyp output.txt --ref e2e:test",
            "  lora4j score --hyp predicted.txt --ref gold.txt --metric accuracy,f1,matthews",
        })
final class ScoreCommand extends LoraCommand {

    private static final String EMBEDDED = "e2e:";
    private static final String STANDARD_INPUT = "-";

    @Option(names = "--hyp", required = true, paramLabel = "FILE", description = "What was written or predicted, a line each; - for standard input.")
    private String hypothesisFile;

    @Option(names = "--ref", required = true, paramLabel = "FILE",
            description = "What it is compared with; give it again for more references. A .csv or .jsonl file of pairs is "
                    + "grouped by input; e2e:dev and e2e:test are the embedded ones, webnlg:DIR, dart:DIR, samsum:DIR and wikisql:DIR the test part in a folder.")
    private List<String> referenceFiles;

    @Option(names = {"--metric", "--metrics"}, split = ",", paramLabel = "NAME,…", description = "What to compute, see above.")
    private List<String> metricNames = List.of();

    @Option(names = "--rules", defaultValue = "e2e", paramLabel = "NAME",
            description = "e2e, or generation-eval for BLEU, METEOR and TER as WebNLG and DART are scored: in small letters, "
                    + "split at punctuation, at most 6 references (default: ${DEFAULT-VALUE}).")
    private String rules;

    @Option(names = "--lower-case", description = "Take texts and labels in small letters. Without it, BLEU and NIST take A to Z "
            + "so, and METEOR, ROUGE-L, CIDEr and TER all letters.")
    private boolean lowerCase;

    @Option(names = "--keep-case", description = "BLEU and NIST tell capitals from small letters.")
    private boolean keepCase;

    @Option(names = "--positive", paramLabel = "LABEL",
            description = "The label whose F1 is meant. Without it: of 1 where labels are 0 and 1, else the mean over all labels.")
    private String positive;

    @Option(names = "--per-segment", description = "Also the scores of each text by itself.")
    private boolean perSegment;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    /** What is printed, in order: the name for people, the key for programs, the value. */
    private record Line(String name, String key, double value, String whyUndefined) {

        Line(String name, String key, double value) {
            this(name, key, value, "");
        }
    }

    @Override
    protected int run() throws IOException {
        List<ScoreMetric> metrics = option(this::metrics);
        boolean generationEval = rules.equals("generation-eval");
        if (!generationEval && !rules.equals("e2e")) {
            throw wrongUse("--rules " + rules + ": expected e2e or generation-eval");
        }
        if (generationEval && (!metricNames.isEmpty() || perSegment || keepCase)) {
            throw wrongUse("--rules generation-eval says what is computed, and how: leave out --metric, --per-segment and --keep-case");
        }
        if (keepCase && lowerCase) {
            throw wrongUse("--keep-case and --lower-case: give one of the two");
        }
        List<String> hypotheses = lower(hypothesisFile.equals(STANDARD_INPUT)
                ? TextLines.read("standard input", System.in) : TextLines.read(Path.of(hypothesisFile)));
        if (metrics.getFirst().isOfLabels()) {
            print(scoreLabels(metrics, hypotheses), Map.of("labels", hypotheses.size()), List.of());
            return ExitCode.OK;
        }
        if (referenceFiles.size() == 1 && DataName.of(referenceFiles.getFirst()).isWikiSql()) {
            scoreQueries(hypotheses, generationEval);
            return ExitCode.OK;
        }
        Corpus corpus = corpus(hypotheses);
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("segments", corpus.size());
        facts.put("references", corpus.references().stream().mapToInt(List::size).sum());
        if (generationEval) {
            GenerationEval scores = GenerationEval.of(corpus.hypotheses(), corpus.references());
            print(List.of(new Line("BLEU", "bleu", scores.bleu()),
                    new Line("METEOR without paraphrases", "meteor_without_paraphrases", scores.meteor()),
                    new Line("TER", "ter", scores.ter())), facts, List.of());
            return ExitCode.OK;
        }
        List<Line> lines = new ArrayList<>();
        List<Score> scores = new ArrayList<>();
        for (ScoreMetric asked : metrics) {
            Metric metric = asked.metric(keepCase);
            Score score = metric.score(corpus);
            scores.add(score);
            lines.add(new Line(asked == ScoreMetric.NIST_PYTHON ? "NIST (--python)" : metric.name(), asked.key(), score.value()));
        }
        print(lines, facts, perSegment ? scores : List.of());
        return ExitCode.OK;
    }

    private void scoreQueries(List<String> hypotheses, boolean generationEval) {
        if (!metricNames.isEmpty() || perSegment || generationEval) {
            throw wrongUse("--ref " + referenceFiles.getFirst() + ": queries are scored by logical form and execution; leave out --metric, "
                    + "--per-segment and --rules");
        }
        WikiSqlScores scores = WikiSqlScores.of(
                WikiSql.questions(DataName.of(referenceFiles.getFirst()).path(), Split.TEST), hypotheses);
        print(List.of(new Line("logical form", "logical_form", scores.logicalForm()), new Line("execution", "execution", scores.execution()),
                new Line("texts that are queries", "readable", scores.readable())), Map.of("questions", scores.questions()), List.of());
    }

    private List<ScoreMetric> metrics() {
        if (metricNames.isEmpty()) {
            return ScoreMetric.E2E;
        }
        List<ScoreMetric> metrics = metricNames.stream().map(ScoreMetric::of).distinct().toList();
        if (metrics.stream().map(ScoreMetric::isOfLabels).distinct().count() > 1) {
            throw new LoraException("--metric " + String.join(",", metricNames) + ": "
                    + metrics.stream().filter(ScoreMetric::isOfLabels).map(ScoreMetric::option).collect(Collectors.joining(", "))
                    + " score labels, the others texts. Score them apart");
        }
        if (perSegment && metrics.getFirst().isOfLabels()) {
            throw new LoraException("--per-segment: labels have no scores by themselves");
        }
        return metrics;
    }

    /** What the hypotheses are in, for messages. */
    private String hypotheses() {
        return hypothesisFile.equals(STANDARD_INPUT) ? "standard input" : hypothesisFile;
    }

    private List<String> lower(List<String> lines) {
        return lowerCase ? lines.stream().map(line -> line.toLowerCase(Locale.ROOT)).toList() : lines;
    }

    // ------------------------------------------------------------------------------------------------ texts

    private Corpus corpus(List<String> hypotheses) throws IOException {
        List<List<String>> references = references();
        if (hypotheses.isEmpty()) {
            throw new LoraException(hypotheses() + ": no text in it");
        }
        if (hypotheses.size() != references.size()) {
            String where = String.join(", ", referenceFiles);
            throw new LoraException(hypotheses() + " has " + hypotheses.size() + " lines, but " + where + " has references for "
                    + references.size() + hint(hypotheses, references) + ". Each line of --hyp needs its references");
        }
        return new Corpus(hypotheses, references.stream().map(this::lower).toList());
    }

    /** Where the first hypothesis or reference without a counterpart is. */
    private static String hint(List<String> hypotheses, List<List<String>> references) {
        int both = Math.min(hypotheses.size(), references.size());
        String rest = hypotheses.size() > both ? hypotheses.get(both) : references.get(both).getFirst();
        String shown = rest.length() > 60 ? rest.substring(0, 59) + "…" : rest;
        return hypotheses.size() > both
                ? "; the first without references is line " + (both + 1) + ", " + Names.quoted(shown)
                : "; the first that nothing is written for are those of text " + (both + 1) + ", " + Names.quoted(shown);
    }

    private List<List<String>> references() throws IOException {
        if (referenceFiles.size() == 1) {
            String file = referenceFiles.getFirst();
            if (file.startsWith(EMBEDDED) && !Files.exists(Path.of(file))) {
                return byInput(E2e.embedded(option(() -> Split.of(file.substring(EMBEDDED.length())))));
            }
            DataName named = DataName.of(file);
            if (named.isOfTriples() || named.isSamSum()) {
                return byInput(named.open(Split.TEST));
            }
            String lower = TextInput.unpackedName(file).toLowerCase(Locale.ROOT);
            if (lower.endsWith(".csv") || lower.endsWith(".jsonl")) {
                return byInput(DataSets.open(Path.of(file), Split.TEST));
            }
            return TextLines.groups(file, TextLines.read(Path.of(file)));
        }
        List<List<String>> files = new ArrayList<>();
        for (String file : referenceFiles) {
            files.add(TextLines.read(Path.of(file)));
        }
        return TextLines.together(referenceFiles, files);
    }

    private static List<List<String>> byInput(List<TextPair> pairs) {
        return List.copyOf(TextPair.completionsByContext(pairs).values());
    }

    // ------------------------------------------------------------------------------------------------ labels

    private List<Line> scoreLabels(List<ScoreMetric> metrics, List<String> predicted) throws IOException {
        if (referenceFiles.size() > 1) {
            throw wrongUse("--ref: labels have one gold file, found " + referenceFiles.size());
        }
        String goldFile = referenceFiles.getFirst();
        List<String> gold = lower(TextLines.read(Path.of(goldFile)));
        if (predicted.size() != gold.size()) {
            throw new LoraException(hypotheses() + " has " + predicted.size() + " lines, but " + goldFile + " has " + gold.size()
                    + ". Each prediction needs its gold label");
        }
        LabelScores labels = LabelScores.of(predicted, gold);
        List<Line> lines = new ArrayList<>();
        for (ScoreMetric metric : metrics) {
            lines.add(switch (metric) {
                case ACCURACY -> new Line("accuracy", metric.key(), labels.accuracy());
                case F1 -> f1(labels);
                case MATTHEWS -> new Line("Matthews", metric.key(), labels.matthews());
                case PEARSON -> new Line("Pearson", metric.key(), correlation(predicted, gold).pearson(),
                        whyUndefined(predicted, gold));
                default -> new Line("Spearman", metric.key(), correlation(predicted, gold).spearman(),
                        whyUndefined(predicted, gold));
            });
        }
        return lines;
    }

    private Line f1(LabelScores labels) {
        if (positive != null && !labels.labels().contains(positive)) {
            throw wrongUse("--positive " + positive + ": no such label; there are " + Names.some(labels.labels(), 8));
        }
        boolean isBinary = List.of("0", "1").containsAll(labels.labels());
        String of = positive != null ? positive : isBinary ? "1" : null;
        return of == null ? new Line("F1, mean over labels", "f1_macro", labels.macroF1()) : new Line("F1 of " + of, "f1", labels.f1(of));
    }

    private Correlation correlation(List<String> predicted, List<String> gold) {
        return Correlation.of(numbers(hypotheses(), predicted), numbers(referenceFiles.getFirst(), gold));
    }

    private String whyUndefined(List<String> predicted, List<String> gold) {
        String found = notFinite(hypotheses(), predicted);
        found = found.isEmpty() ? notFinite(referenceFiles.getFirst(), gold) : found;
        return found.isEmpty() ? "all numbers of one file are equal" : found;
    }

    /** The first line that is NaN or infinite; empty where there is none. */
    private static String notFinite(String file, List<String> lines) {
        double[] numbers = numbers(file, lines);
        for (int i = 0; i < numbers.length; i++) {
            if (!Double.isFinite(numbers[i])) {
                return file + ", line " + (i + 1) + " is " + Names.quoted(lines.get(i)) + ", which is no finite number";
            }
        }
        return "";
    }

    private static double[] numbers(String file, List<String> lines) {
        double[] numbers = new double[lines.size()];
        for (int i = 0; i < numbers.length; i++) {
            try {
                numbers[i] = Double.parseDouble(lines.get(i));
            } catch (NumberFormatException e) {
                throw new LoraException(file + ", line " + (i + 1) + ": " + Names.quoted(lines.get(i))
                        + " is no number; pearson and spearman compare numbers", e);
            }
        }
        return numbers;
    }

    // ------------------------------------------------------------------------------------------------ printing

    private void print(List<Line> lines, Map<String, Object> facts, List<Score> scores) {
        if (json) {
            Map<String, Object> result = new LinkedHashMap<>(facts);
            for (Line line : lines) {
                result.put(line.key(), Double.isNaN(line.value()) ? null : line.value());
            }
            if (!scores.isEmpty()) {
                result.put("per_segment", segments(lines, scores));
            }
            ui().printJson(result);
            return;
        }
        if (!scores.isEmpty()) {
            ui().print("segment\t" + lines.stream().map(Line::key).collect(Collectors.joining("\t")));
            for (int i = 0; i < scores.getFirst().segments().size(); i++) {
                int segment = i;
                ui().print((i + 1) + "\t" + scores.stream()
                        .map(score -> "%.4f".formatted(score.segments().get(segment))).collect(Collectors.joining("\t")));
            }
            ui().print("");
        }
        for (Line line : lines) {
            ui().print(line.name() + ": " + (Double.isNaN(line.value())
                    ? "undefined, since " + line.whyUndefined() : "%.4f".formatted(line.value())));
        }
    }

    private static List<Map<String, Double>> segments(List<Line> lines, List<Score> scores) {
        List<Map<String, Double>> segments = new ArrayList<>();
        for (int i = 0; i < scores.getFirst().segments().size(); i++) {
            Map<String, Double> segment = new LinkedHashMap<>();
            for (int m = 0; m < lines.size(); m++) {
                segment.put(lines.get(m).key(), scores.get(m).segments().get(i));
            }
            segments.add(segment);
        }
        return segments;
    }
}
