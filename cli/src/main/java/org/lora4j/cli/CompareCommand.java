package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.BackendOptions;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;
import org.lora4j.backend.Precision;
import org.lora4j.backend.WeightType;
import org.lora4j.data.Batch;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.compare.ComparedRun;
import org.lora4j.experiments.compare.Comparison.Subject;
import org.lora4j.experiments.compare.Comparison.Verdict;
import org.lora4j.experiments.compare.Comparison;
import org.lora4j.experiments.compare.StandInAdapter;
import org.lora4j.experiments.report.ComparisonFacts;
import org.lora4j.experiments.report.ComparisonPage;
import org.lora4j.family.BaseDropout;
import org.lora4j.family.ClassifierFields;
import org.lora4j.family.ClassifierHead;
import org.lora4j.family.Families;
import org.lora4j.family.ModelConfig;
import org.lora4j.io.FormatException;
import org.lora4j.model.Model;
import org.lora4j.tensor.Philox;
import org.lora4j.tokenizer.Encoding;
import org.lora4j.tokenizer.Truncation;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lora4j compare}: one model on several backends. */
@Command(
        name = "compare",
        description = {
            "Says where backends differ on a model, and if by more than rounding explains.",
            "",
            "Runs forward, backward and some AdamW steps on reference, which holds doubles, and on each other backend. "
                    + "For every place of the pass, every gradient and every step it takes the largest relative error and the "
                    + "distance in ulps, and a bound made of the unit roundoff and the lengths of the sums; the first place "
                    + "over its bound is where to look. Dropout is off. Without --adapter an update of rank 4 beside every "
                    + "linear map trains. Exit code 1 if something is over its bound.",
        },
        footer = {
            "  lora4j compare --model base-6m --backends reference,cpu",
            "  lora4j compare --model my-base --adapter my-adapter --backends reference,cpu,tornado \\",
            "      --text \"name : Blue Spice | Type : pub\" --out compare.html",
        })
final class CompareCommand extends LoraCommand {

    /** Far more than a comparison in doubles could hold. */
    private static final int MOST_TOKENS = 1 << 24;

    private static final Pattern SIZE = Pattern.compile("(\\d{1,6})x(\\d{1,6})");

    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "A model's folder in Hugging Face layout, or base-6m for the embedded one.")
    private String model;

    @Option(names = "--adapter", paramLabel = "DIR", description = "An adapter's folder as PEFT writes it.")
    private Path adapter;

    @Option(names = "--backends", split = ",", defaultValue = "reference,cpu", paramLabel = "NAME",
            description = "What to compare with reference, which always runs (default: ${DEFAULT-VALUE}).")
    private List<String> backends;

    @Option(names = "--batch", paramLabel = "FILE",
            description = "The inputs: a safetensors file as trace reads it. Where it has no labels, the ids are.")
    private Path batch;

    @Option(names = "--text", paramLabel = "TEXT", description = "The input: a text, instead of --batch.")
    private String text;

    @Option(names = "--random", paramLabel = "BxT", defaultValue = "2x16",
            description = "The inputs where neither is given: B sequences of T random ids (default: ${DEFAULT-VALUE}).")
    private String random;

    @Option(names = "--seed", defaultValue = "1", paramLabel = "N",
            description = "Of random ids, and of the adapter where none is given (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Option(names = "--steps", defaultValue = "3", paramLabel = "N",
            description = "AdamW steps to compare (default: ${DEFAULT-VALUE}).")
    private int steps;

    @Option(names = "--lr", defaultValue = "1e-3", paramLabel = "RATE",
            description = "Their learning rate (default: ${DEFAULT-VALUE}).")
    private double learningRate;

    @Option(names = "--out", defaultValue = "compare.html", paramLabel = "FILE",
            description = "The page to write; the numbers go beside it as .json (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Option(names = "--json", description = "Print JSON instead of the table, for programs.")
    private boolean json;

    @Option(names = "--threads", defaultValue = "0", paramLabel = "N",
            description = "Threads to use, 0 for one per core (default: ${DEFAULT-VALUE}).")
    private int threads;

    private boolean classifies;

    @Override
    protected int run() {
        List<BackendProvider> others = others();
        if (steps < 0) {
            throw wrongUse("--steps " + steps + ": must be 0 or more");
        }
        if (threads < 0) {
            throw wrongUse("--threads " + threads + ": must be 0 or more");
        }
        if (!(learningRate > 0) || Double.isInfinite(learningRate)) {
            throw wrongUse("--lr " + learningRate + ": must be a positive number");
        }
        if (!out.getFileName().toString().endsWith(".html")) {
            throw wrongUse("--out " + out + ": the page's name must end in .html; the numbers go beside it as .json");
        }
        Path folder = EmbeddedBase.resolve(model);
        Destination read = Destination.reading("--model", folder).and("--adapter", adapter).and("--batch", batch);
        read.requireFileApart(out);
        read.requireFileApart(ComparisonPage.beside(out));
        classifies = Families.isClassifier(folder, adapter);
        Batch inputs = inputs(folder);
        List<Verdict> verdicts = compare(folder, inputs, others);
        ComparisonFacts facts = facts(inputs);
        ComparisonPage.write(facts, verdicts, out);
        if (json) {
            ui().printJson(ComparisonPage.json(facts, verdicts));
        } else {
            CompareTable table = new CompareTable(ui());
            verdicts.forEach(table::print);
        }
        ui().info("wrote " + out + " and " + ComparisonPage.beside(out).getFileName());
        return verdicts.stream().allMatch(verdict -> verdict.firstOverBound().isEmpty()) ? ExitCode.OK : ExitCode.FAILURE;
    }

    /** Everything asked for but reference; whatever cannot run is an error before anything is computed. */
    private List<BackendProvider> others() {
        List<BackendProvider> all = Backends.providers();
        List<BackendProvider> asked = new ArrayList<>();
        for (String name : backends) {
            BackendProvider provider = all.stream().filter(candidate -> candidate.name().equals(name)).findFirst()
                    .orElseThrow(() -> wrongUse("--backends " + name + ": there is no such backend here; found "
                            + String.join(", ", all.stream().map(BackendProvider::name).toList())));
            provider.unavailable().ifPresent(reason -> {
                throw new LoraException("--backends " + name + ": " + reason);
            });
            if (!name.equals("reference") && !asked.contains(provider)) {
                asked.add(provider);
            }
        }
        if (asked.isEmpty()) {
            throw wrongUse("--backends " + String.join(",", backends) + ": names nothing to compare with reference");
        }
        return asked;
    }

    private List<Verdict> compare(Path folder, Batch inputs, List<BackendProvider> others) {
        List<Verdict> verdicts = new ArrayList<>();
        try (Progress progress = ui().progress("compare")) {
            int[] total = new int[1];
            ComparedRun run = new ComparedRun(inputs, classifies ? answers(folder, inputs) : null, steps, learningRate);
            Comparison comparison = Comparison.with(run, backend -> subject(folder, backend), (runs, of) -> {
                if (runs == 1) {
                    total[0] = of;
                    progress.start(of + others.size());
                }
                progress.update(runs, "reference");
            });
            for (BackendProvider provider : others) {
                try (Backend backend = provider.create(new BackendOptions(threads, Precision.STRICT))) {
                    verdicts.add(comparison.of(backend));
                    progress.update(total[0] + verdicts.size(), provider.name());
                }
            }
        } catch (FormatException e) {
            throw e;
        } catch (LoraException e) { // a token or a length that the model does not have
            throw batch == null ? e : new FormatException(batch, e.getMessage(), e);
        }
        return verdicts;
    }

    private Subject subject(Path folder, Backend backend) {
        Model loaded = classifies ? Families.classifier(folder, backend, head(folder), BaseDropout.NONE, WeightType.FLOAT32, ui()::warnOnce)
                : Families.load(folder, backend, 0, WeightType.FLOAT32, ui()::warnOnce);
        return adapter == null ? new Subject(loaded, StandInAdapter.attach(loaded, seed))
                : new Subject(loaded, MethodFolder.attach(loaded, adapter, ui()::info).trainable());
    }

    private ClassifierHead head(Path folder) {
        return adapter == null ? ClassifierHead.asStored() : ClassifierHead.forAdapter(adapter, folder);
    }

    /** A label for each sequence, each in turn: the comparison needs a loss, and any will do. */
    private double[] answers(Path folder, Batch inputs) {
        ClassifierHead head = head(folder);
        int labels = (head.labels() == null ? ClassifierFields.read(folder.resolve("config.json")).labels() : head.labels()).count();
        double[] answers = new double[inputs.size()];
        Arrays.setAll(answers, row -> labels == 1 ? row : row % labels);
        return answers;
    }

    // ------------------------------------------------------------------------------------------------ inputs

    private Batch inputs(Path folder) {
        if (batch != null && text != null) {
            throw wrongUse("--batch and --text: give one of the two");
        }
        Batch inputs = batch != null ? withLabels(BatchFile.read(batch, ui()))
                : text != null ? ofText(folder) : ofRandomIds(Families.config(folder));
        if (!classifies && inputs.targets() == 0) {
            throw batch != null
                    ? new FormatException(batch, "no label is a target (all are -100 or in the first column), so there is no loss")
                    : wrongUse("one token has no successor to predict: give at least two");
        }
        return inputs;
    }

    private static Batch withLabels(Batch read) {
        if (read.labels() != null) {
            return read;
        }
        int[] labels = read.inputIds().clone();
        for (int i = 0; i < labels.length; i++) {
            if (read.attentionMask() != null && read.attentionMask()[i] == 0) {
                labels[i] = Batch.IGNORED;
            }
        }
        return new Batch(read.size(), read.length(), read.inputIds(), read.attentionMask(), read.tokenTypeIds(), labels);
    }

    private Batch ofText(Path folder) {
        if (classifies) {
            Encoding encoding = Families.tokenizer(folder).encodePair(text, null, Truncation.NONE);
            return new Batch(1, encoding.length(), encoding.ids(), null, null);
        }
        int[] ids = Families.tokenizer(folder).encode(text);
        if (ids.length < 2) {
            throw wrongUse("--text \"" + text + "\" has " + ids.length + " tokens; a loss needs at least two");
        }
        return new Batch(1, ids.length, ids, null, ids);
    }

    private Batch ofRandomIds(ModelConfig config) {
        Matcher size = SIZE.matcher(random);
        if (!size.matches()) {
            throw wrongUse("--random " + random + ": expected two numbers such as 2x16, sequences and tokens of each");
        }
        int rows = Integer.parseInt(size.group(1));
        int length = Integer.parseInt(size.group(2));
        if (rows < 1 || length < 2 || length > config.sizes().positions()) {
            throw wrongUse("--random " + random + ": expected at least one sequence of 2 to " + config.sizes().positions()
                    + " tokens, which is as far as the model's positions go");
        }
        if ((long) rows * length > MOST_TOKENS) {
            throw wrongUse("--random " + random + ": expected at most " + MOST_TOKENS + " tokens in all");
        }
        int[] ids = new int[rows * length];
        Philox philox = new Philox(seed);
        for (int i = 0; i < ids.length; i++) {
            ids[i] = philox.bounded(config.sizes().vocabulary(), 0, Philox.site("compare.ids"), i);
        }
        return new Batch(rows, length, ids, null, ids);
    }

    private ComparisonFacts facts(Batch inputs) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("Model", model);
        facts.put("Adapter", adapter == null ? "none given: rank 4 beside every linear map, seed " + seed : adapter.toString());
        facts.put("Inputs", (batch != null ? batch + ", " : text != null ? "a text, " : "random ids, seed " + seed + ", ")
                + inputs.size() + " × " + inputs.length() + " tokens, "
                + (classifies ? "labels in turn" : inputs.targets() + " targets"));
        facts.put("Updates", steps == 0 ? "none" : steps + " AdamW steps at learning rate " + learningRate);
        return new ComparisonFacts(commandText(), facts);
    }
}
