package org.lora4j.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.lora4j.backend.BackendProvider;
import org.lora4j.backend.WeightType;
import org.lora4j.family.ModelConfig;
import org.lora4j.plan.PlannedStep;
import org.lora4j.plan.StepMemory;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.lora.LoraConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lora4j doctor}: prints a {@link Diagnosis}. */
@Command(
        name = "doctor",
        description = {
            "Shows what this machine can run.",
            "",
            "Java, cores, memory, vectors, backends with the reason where one cannot run, devices, and what is embedded. "
                    + "With --model, whether a LoRA step on it has room on each, and what it takes with each --base-dtype. "
                    + "Exit code 0 if the default backend can run, else 1.",
        },
        footer = {
            "  lora4j doctor",
            "  lora4j doctor --model my-base --batch 8 --length 128",
            "  lora4j doctor --json",
        })
final class DoctorCommand extends LoraCommand {

    private static final int RANK = 4;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Option(names = "--model", paramLabel = "DIR", completionCandidates = ShapeNames.class,
            description = "A model's folder, or a size that is known: ${COMPLETION-CANDIDATES}.")
    private String model;

    @Option(names = "--batch", defaultValue = "8", paramLabel = "N",
            description = "Sequences of the step that --model is to take (default: ${DEFAULT-VALUE}).")
    private int batch;

    @Option(names = "--length", defaultValue = "64", paramLabel = "N",
            description = "Their tokens (default: ${DEFAULT-VALUE}).")
    private int length;

    @Override
    protected int run() {
        Diagnosis diagnosis = Diagnosis.make(model == null ? null : modelState());
        if (json) {
            ui().printJson(diagnosis);
        } else {
            print(diagnosis);
        }
        return diagnosis.ready() ? ExitCode.OK : ExitCode.FAILURE;
    }

    private Diagnosis.ModelState modelState() {
        PlannedModel planned = PlannedModel.of(model, List.of());
        ModelConfig config = planned.config();
        if (batch < 1 || length < 1 || length > config.sizes().positions()) {
            throw wrongUse("--batch " + batch + " --length " + length + ": at least 1 each, and at most "
                    + config.sizes().positions() + " tokens, which is as far as the model's positions go");
        }
        PlannedStep step = PlannedStep.of(batch, length);
        StepMemory need = StepMemory.of(config, planned.classifies() ? step.withLabels(planned.labelsOr2()) : step,
                new LowRankAdaptation(LoraConfig.of(RANK, RANK).withParts("q", "v")));
        return new Diagnosis.ModelState(model, "a LoRA step of " + batch + " × " + length + " tokens, rank " + RANK + " on q and v",
                need.numbers(), need.base().numbers(), bytes(need));
    }

    private static Map<String, Long> bytes(StepMemory need) {
        Map<String, Long> bytes = new LinkedHashMap<>();
        for (WeightType type : WeightType.values()) {
            bytes.put(type.name().toLowerCase(Locale.ROOT), need.bytes(type));
        }
        return bytes;
    }

    private void print(Diagnosis found) {
        Ui ui = ui();
        row("lora4j", found.lora4j().version() + ", " + found.lora4j().location());
        row("Java", found.java().version() + ", " + found.java().vendor() + ", " + found.java().home());
        row("System", found.system().name() + ", " + found.system().cores()
                + (found.system().cores() == 1 ? " core" : " cores")
                + (found.system().processor() == null ? "" : ", " + found.system().processor()));
        row("Memory", Bytes.text(found.memory().physicalBytes()) + ", of which Java may use "
                + Bytes.text(found.memory().heapBytes()) + ui.dim(" (LORA4J_JAVA_OPTS=-Xmx… changes that)"));
        row("Vectors", found.vectors().reason() == null
                ? found.vectors().bits() + " bits, " + found.vectors().floats() + " floats"
                : ui.bad("none: ") + found.vectors().reason());
        ui.print("");
        ui.print(ui.bold("Backends"));
        for (Diagnosis.BackendState backend : found.backends()) {
            ui.print("  " + pad(backend.name(), 11)
                    + (backend.available() ? ui.good("ready") + "  " + backend.description() : ui.bad("cannot run") + "  " + backend.reason())
                    + (backend.name().equals(BackendChoice.DEFAULT) ? ui.dim(" (default)") : ""));
            for (BackendProvider.Detail detail : backend.details()) {
                ui.print(" ".repeat(13) + pad(detail.name(), 13) + (detail.amiss() ? ui.bad(detail.text()) : detail.text()));
            }
            if (found.model() != null && backend.available()) {
                ui.print(" ".repeat(13) + pad("--model", 13) + room(found.model(), backend));
            }
        }
        if (!found.ready() && found.backends().stream().noneMatch(b -> b.name().equals(BackendChoice.DEFAULT))) {
            ui.print("  " + pad(BackendChoice.DEFAULT, 11) + ui.bad("missing") + "  its jar is not on the class path. Start lora4j with its launcher.");
        }
        if (found.model() != null) {
            ui.print("");
            ui.print(ui.bold("Memory of the step on cpu") + ui.dim(" by --base-dtype"));
            found.model().bytes().forEach((type, bytes) -> ui.print("  " + pad(type, 11) + pad(Bytes.text(bytes), 11)
                    + (type.equals("float32") ? ui.dim("and up to twice the weights again, laid out for products") : "")));
        }
        ui.print("");
        ui.print(ui.bold("Embedded"));
        for (Diagnosis.Embedded embedded : found.embedded()) {
            ui.print("  " + pad(embedded.name(), 11) + (embedded.present()
                    ? ui.good("present") + "  " + embedded.what() + ", " + Bytes.text(embedded.bytes())
                    : ui.bad("missing") + "  " + embedded.resource() + " is not on the class path"));
        }
    }

    /** Whether the model's step has room. */
    private String room(Diagnosis.ModelState model, Diagnosis.BackendState backend) {
        if (backend.capacity() == 0) {
            return count(model.numbers()) + " numbers for " + model.step() + "; how many there is room for is not known";
        }
        boolean fits = model.numbers() <= backend.capacity();
        String numbers = "needs " + count(model.numbers()) + " numbers (" + count(model.weights()) + " weights) for "
                + model.step() + ", has room for " + count(backend.capacity());
        return (fits ? ui().good("fits: ") : ui().bad("too small: ")) + numbers
                + (fits ? "" : ". Take fewer or shorter sequences, a smaller model, or another backend");
    }

    /** 124.4 million. */
    private static String count(long numbers) {
        return numbers < 1_000_000_000 ? String.format(Locale.ROOT, "%.1f million", 1e-6 * numbers)
                : String.format(Locale.ROOT, "%.2f billion", 1e-9 * numbers);
    }

    private void row(String name, String value) {
        ui().print(ui().bold(pad(name, 9)) + value);
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(1, width - text.length()));
    }
}
