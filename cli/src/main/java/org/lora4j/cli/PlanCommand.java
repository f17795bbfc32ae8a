package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.experiments.ledger.Ledger;
import org.lora4j.experiments.ledger.LedgerPage;
import org.lora4j.experiments.ledger.LedgerRow;
import org.lora4j.experiments.report.PlanPage;
import org.lora4j.family.Labels;
import org.lora4j.model.ModelSizes;
import org.lora4j.plan.NumberTypes;
import org.lora4j.plan.PlanRow;
import org.lora4j.plan.PlannedStep;
import org.lora4j.plan.StepMemory;
import org.lora4j.plan.Term;
import org.lora4j.tuning.LoraWithTokens;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.TuningMethods;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.prefix.SpecialTokenMethod;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lora4j plan}. */
@Command(
        name = "plan",
        description = {
            "Says what a method needs on a model: parameters, files, memory by term.",
            "",
            "The step is taken on a backend that counts what is allocated and computes nothing, so it takes no memory "
                    + "however large the model is, and is what lora4j would hold. A list in --method, --rank, --base-dtype, --batch or "
                    + "--length gives a column for each. Values of --optimiser, --trained-dtype and --moments-dtype other than the "
                    + "defaults are for planning with other software; then what the cpu backend lays out and Java itself are left out.",
            "",
            "Trainable parameters are counted as the paper does it: without a classifier's head, which is shown apart.",
        },
        footer = {
            "  lora4j plan --model base-6m --rank 1,2,4,8,64",
            "  lora4j plan --model roberta-large --method lora,full,bitfit --batch 16 --length 128",
            "  lora4j plan --model gpt3-175b --method full,lora --base-dtype bf16 --batch 1 --length 2048",
            "  lora4j plan --sizes model_type=llama,hidden_size=1024,num_hidden_layers=8,num_attention_heads=16",
        })
final class PlanCommand extends LoraCommand {

    /** The model of which the paper's abstract speaks, and what the ledger calls it. */
    private static final String PAPERS = "gpt3-175b";
    private static final String PAPERS_TITLE = "GPT-3";

    private static final int COLUMNS = 5;
    private static final int MOST_ROWS = 60;
    private static final int LABEL = 22;
    private static final int CELL = 12;

    @Option(names = "--model", paramLabel = "DIR", completionCandidates = ShapeNames.class,
            description = "A model's folder, or a size that is known: ${COMPLETION-CANDIDATES}.")
    private String model;

    @Option(names = "--sizes", split = ",", paramLabel = "FIELD=N,…",
            description = "Fields of a config.json: alone, with model_type among them; beside a folder, in the place of its own.")
    private List<String> sizes = List.of();

    @Option(names = "--method", defaultValue = TuningMethods.LORA, paramLabel = "NAME,…",
            description = "As train has them, with their settings: lora, full, bitfit, top:N, houlsby:R, prefix-layer:8,infix=4 … "
                    + "(default: ${DEFAULT-VALUE}).")
    private List<String> methods;

    @Option(names = "--rank", split = ",", defaultValue = "4", paramLabel = "R,…",
            description = "lora: r (default: ${DEFAULT-VALUE}).")
    private List<Integer> ranks;

    @Option(names = "--targets", defaultValue = "q,v", paramLabel = "NAMES",
            description = "lora: what gets an update, as train has it (default: ${DEFAULT-VALUE}).")
    private String targets;

    @Option(names = "--dora", description = "lora: with a magnitude for each output (DoRA).")
    private boolean dora;

    @Option(names = "--base-dtype", split = ",", defaultValue = "float32", paramLabel = "TYPE,…",
            description = "How the frozen base is held: float32, bf16, int8, nf4 (default: ${DEFAULT-VALUE}).")
    private List<WeightType> baseTypes;

    @Option(names = "--batch", split = ",", defaultValue = "8", paramLabel = "N,…",
            description = "Sequences of a step (default: ${DEFAULT-VALUE}).")
    private List<Integer> batches;

    @Option(names = "--length", split = ",", defaultValue = "64", paramLabel = "N,…",
            description = "Their tokens (default: ${DEFAULT-VALUE}).")
    private List<Integer> lengths;

    @Option(names = "--labels", paramLabel = "N",
            description = "Plan a classifier with N labels (default: where the model is one, its own, or 2).")
    private Integer labels;

    @Option(names = "--recompute", description = "Activations are made again in backward instead of kept.")
    private boolean recompute;

    @Option(names = "--optimiser", defaultValue = "adamw", paramLabel = "NAME",
            description = "adamw, two moments; momentum, one; sgd, none (default: ${DEFAULT-VALUE}).")
    private Optimiser optimiser;

    @Option(names = "--trained-dtype", defaultValue = "float32", paramLabel = "TYPE",
            description = "What trains, and its gradients: float32 or float16 (default: ${DEFAULT-VALUE}).")
    private Half trained;

    @Option(names = "--moments-dtype", defaultValue = "float32", paramLabel = "TYPE",
            description = "float32 or float16 (default: ${DEFAULT-VALUE}).")
    private Half moments;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Option(names = "--html", paramLabel = "FILE", description = "Write a page with a chart; its name ends in .html.")
    private Path page;

    private int width; // of the columns that are being printed

    /** With how many moments. */
    enum Optimiser {
        SGD, MOMENTUM, ADAMW
    }

    /** A type and half of it. */
    enum Half {
        FLOAT32(4), FLOAT16(2);

        private final int bytes;

        Half(int bytes) {
            this.bytes = bytes;
        }
    }

    /** A method with a name of its own in the table. */
    private record Named(String name, TuningMethod method) {
    }

    @Override
    protected int run() {
        if (model == null && sizes.isEmpty()) {
            throw wrongUse("Missing required option: '--model=DIR', or --sizes with the fields of a config.json");
        }
        if (page != null && !page.getFileName().toString().endsWith(".html")) {
            throw wrongUse("--html " + page + ": the page's name must end in .html");
        }
        if (labels != null && labels < 1) {
            throw wrongUse("--labels " + labels + ": expected at least 1");
        }
        PlannedModel planned = option(() -> PlannedModel.of(model, sizes));
        if (page != null) {
            Destination.reading("--model", model == null ? null : Path.of(model)).requireFileApart(page);
        }
        List<PlanRow> rows = rows(planned);
        List<String> remarks = remarks(planned, rows);
        if (page != null) {
            PlanPage.write(planned.name(), commandText(), rows, remarks, page);
        }
        if (json) {
            ui().printJson(json(planned, rows, remarks));
        } else {
            print(planned, rows, remarks);
            if (page != null) {
                ui().print(ui().bold("Page ") + page);
            }
        }
        return ExitCode.OK;
    }

    // ------------------------------------------------------------------------------------------------ rows

    private List<PlanRow> rows(PlannedModel planned) {
        List<Named> named = option(this::methods);
        int most = planned.config().sizes().positions();
        if (Math.multiplyExact((long) named.size() * baseTypes.size(), (long) batches.size() * lengths.size()) > MOST_ROWS) {
            throw wrongUse("these lists make more than " + MOST_ROWS + " columns. Give fewer values");
        }
        BackendProvider cpu = Backends.providers().stream().filter(provider -> provider.name().equals(BackendChoice.DEFAULT))
                .findFirst().orElse(null);
        List<PlanRow> rows = new ArrayList<>();
        for (int batch : batches) {
            for (int length : lengths) {
                if (batch < 1 || length < 1 || length > most) {
                    throw wrongUse("--batch " + batch + " --length " + length + ": at least 1 each, and at most " + most
                            + " tokens, which is as far as the model's positions go");
                }
                PlannedStep step = step(planned, batch, length);
                for (Named one : named) {
                    StepMemory memory = option(() -> StepMemory.of(planned.config(), step, one.method));
                    for (WeightType type : baseTypes) {
                        NumberTypes types = new NumberTypes(type, trained.bytes, moments.bytes, optimiser.ordinal());
                        long besides = cpu == null || type != WeightType.FLOAT32 ? 0
                                : StepMemory.besides(planned.config(), step, one.method, cpu);
                        rows.add(PlanRow.of(name(one, type, batch, length), memory, types, besides));
                    }
                }
            }
        }
        return rows;
    }

    private PlannedStep step(PlannedModel planned, int batch, int length) {
        PlannedStep step = PlannedStep.of(batch, length);
        if (labels != null || planned.classifies()) {
            step = step.withLabels(labels != null ? Labels.numbered(labels) : planned.labelsOr2());
        }
        return recompute ? step.recomputing() : step;
    }

    private List<Named> methods() {
        List<Named> named = new ArrayList<>();
        for (String word : words(methods)) {
            if (word.equals(TuningMethods.LORA) || word.startsWith(LoraWithTokens.WORD)) {
                String tokens = word.substring(Math.min(word.length(), LoraWithTokens.WORD.length()));
                for (int rank : ranks) {
                    LowRankAdaptation lora = new LowRankAdaptation(
                            LoraConfig.of(rank, rank).withDora(dora).withTargets(targets, List.of()));
                    String name = (dora ? "dora" : "lora") + " r " + rank;
                    named.add(tokens.isEmpty() ? new Named(name, lora) : new Named(name + " + " + tokens, new LoraWithTokens(lora,
                            SpecialTokenMethod.of(tokens).orElseThrow(() -> new LoraException("`method` " + Names.shortened(word)
                                    + ": behind lora+ expected special tokens, such as prefix-layer:8")))));
                }
            } else {
                named.add(new Named(word, TuningMethods.parse(word)));
            }
        }
        return named;
    }

    /** Words apart at commas, but for those before a method's own settings, {@code infix=4}. */
    private static List<String> words(List<String> typed) {
        List<String> words = new ArrayList<>();
        for (String piece : String.join(",", typed).split(",", -1)) {
            boolean setting = piece.matches("[^:+]*=.*");
            String word = MethodChoice.word(piece);
            if (setting && !words.isEmpty()) {
                words.add(words.removeLast() + "," + word);
            } else {
                words.add(word);
            }
        }
        return words;
    }

    private String name(Named one, WeightType type, int batch, int length) {
        return one.name + (baseTypes.size() > 1 ? " " + type.name().toLowerCase(Locale.ROOT) : "")
                + (batches.size() * lengths.size() > 1 ? " " + batch + "×" + length : "");
    }

    // ------------------------------------------------------------------------------------------------ printing

    private List<String> remarks(PlannedModel planned, List<PlanRow> rows) {
        List<String> remarks = new ArrayList<>();
        ModelSizes of = planned.config().sizes();
        if (!planned.classifies() && labels == null) {
            long position = PlanRow.keyValueBytes(of, 1);
            remarks.add("Writing, keys and values take " + Bytes.text(position) + " for each token of each text, "
                    + Bytes.text(PlanRow.keyValueBytes(of, of.positions())) + " for one of " + of.positions() + ".");
        }
        if (rows.stream().anyMatch(row -> row.memory().trained().ofHead() > 0)) {
            remarks.add("Trainable parameters are without the classifier's head, as the paper counts; its "
                    + "%,d numbers train too and are in files and memory.".formatted(rows.getFirst().memory().trained().ofHead()));
        }
        if (planned.name().equals(PAPERS)) {
            for (LedgerRow row : Ledger.rows()) {
                if (row.row().equals(PAPERS_TITLE) && row.found().exact().isPresent()) {
                    remarks.add("The paper reports, " + row.number() + ": " + row.printed() + ". "
                            + row.found().formula().replaceAll("printed\\([^;]*; [^;]*; ([^)]*)\\)", "reported($1)") + " = "
                            + LedgerPage.number(row.found().exact()) + ", " + row.verdict().text()
                            + (row.note().isEmpty() ? "" : ": " + row.note()) + ".");
                }
            }
        }
        return remarks;
    }

    private void print(PlannedModel planned, List<PlanRow> rows, List<String> remarks) {
        ui().print(ui().bold(planned.name()) + ", %s, %,d parameters".formatted(
                planned.config().names().title(), planned.config().parameterCount()));
        for (int from = 0; from < rows.size(); from += COLUMNS) {
            List<PlanRow> some = rows.subList(from, Math.min(rows.size(), from + COLUMNS));
            width = Math.max(CELL, 2 + some.stream().mapToInt(row -> row.name().length()).max().orElse(0));
            ui().print("");
            line("", some.stream().map(PlanRow::name).toList(), true);
            line("trainable parameters", some.stream().map(row -> "%,d".formatted(row.memory().trained().withoutHead())).toList(), false);
            line("of the base", some.stream().map(row -> percent(row)).toList(), false);
            line("saved tensors", some.stream().map(row -> Bytes.text(row.fileBytes())).toList(), false);
            line("checkpoint", some.stream().map(row -> Bytes.text(row.checkpointBytes())).toList(), false);
            ui().print(ui().dim("memory of a step"));
            for (Term term : Term.values()) {
                if (some.stream().anyMatch(row -> row.bytes().get(term) > 0)) {
                    line("  " + term.title(), some.stream().map(row -> Bytes.text(row.bytes().get(term))).toList(), false);
                }
            }
            line("  together", some.stream().map(row -> Bytes.text(row.total())).toList(), true);
        }
        if (!remarks.isEmpty()) {
            ui().print("");
            remarks.forEach(ui()::print);
        }
    }

    private static String percent(PlanRow row) {
        double share = (double) row.memory().trained().withoutHead() / row.memory().base().numbers();
        return String.format(Locale.ROOT, share < 0.001 ? "%.4f %%" : "%.2f %%", 100 * share);
    }

    private void line(String label, List<String> cells, boolean bold) {
        String text = pad(label, LABEL) + cells.stream().map(cell -> " ".repeat(Math.max(1, width - cell.length())) + cell)
                .collect(Collectors.joining());
        ui().print(bold ? ui().bold(text) : text);
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(1, width - text.length()));
    }

    private Map<String, Object> json(PlannedModel planned, List<PlanRow> rows, List<String> remarks) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("model", planned.name());
        all.put("family", planned.config().names().title());
        all.put("parameters", planned.config().parameterCount());
        all.put("key_value_bytes_a_token", PlanRow.keyValueBytes(planned.config().sizes(), 1));
        List<Map<String, Object>> shown = new ArrayList<>();
        for (PlanRow row : rows) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("method", row.name());
            one.put("trainable", row.memory().trained().withoutHead());
            one.put("trainable_head", row.memory().trained().ofHead());
            one.put("saved_bytes", row.fileBytes());
            one.put("checkpoint_bytes", row.checkpointBytes());
            Map<String, Long> terms = new LinkedHashMap<>();
            Arrays.stream(Term.values()).forEach(term -> terms.put(term.key(), row.bytes().get(term)));
            one.put("memory", terms);
            one.put("memory_bytes", row.total());
            shown.add(one);
        }
        all.put("rows", shown);
        all.put("remarks", remarks);
        return all;
    }
}
