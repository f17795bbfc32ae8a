package org.lora4j.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code lora4j doctor}: prints a {@link Diagnosis}. */
@Command(
        name = "doctor",
        description = {
            "Shows what this machine can run.",
            "",
            "Java, cores, memory, vectors, backends with the reason where one cannot run, and what is embedded. "
                    + "Exit code 0 if the default backend can run, else 1.",
        },
        footer = {
            "  lora4j doctor",
            "  lora4j doctor --json",
        })
final class DoctorCommand extends LoraCommand {

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    @Override
    protected int run() {
        Diagnosis diagnosis = Diagnosis.make();
        if (json) {
            ui().printJson(diagnosis);
        } else {
            print(diagnosis);
        }
        return diagnosis.ready() ? ExitCode.OK : ExitCode.FAILURE;
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
        }
        if (!found.ready() && found.backends().stream().noneMatch(b -> b.name().equals(BackendChoice.DEFAULT))) {
            ui.print("  " + pad(BackendChoice.DEFAULT, 11) + ui.bad("missing") + "  its jar is not on the class path. Start lora4j with its launcher.");
        }
        ui.print("");
        ui.print(ui.bold("Embedded"));
        for (Diagnosis.Embedded embedded : found.embedded()) {
            ui.print("  " + pad(embedded.name(), 11) + (embedded.present()
                    ? ui.good("present") + "  " + embedded.what() + ", " + Bytes.text(embedded.bytes())
                    : ui.bad("missing") + "  " + embedded.resource() + " is not on the class path"));
        }
    }

    private void row(String name, String value) {
        ui().print(ui().bold(pad(name, 9)) + value);
    }

    private static String pad(String text, int width) {
        return text + " ".repeat(Math.max(1, width - text.length()));
    }
}
