package org.lora4j.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine;

/**
 * The command {@code lora4j}. A new subcommand is a class that extends {@link LoraCommand} and a name in the list below.
 */
@Command(
        name = "lora4j",
        description = "LoRA (Hu et al. 2021) in pure Java: fine-tunes and runs language models on CPUs and GPUs.",
        synopsisSubcommandLabel = "COMMAND",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footer = {
                "",
                "Examples:",
                "  lora4j demo",
                "  lora4j train --model base-6m --data e2e --targets q,v --lr 1e-2 --out my-adapter",
                "  lora4j generate --model base-6m --adapter my-adapter --prompt \"name : Blue Spice | Type : pub\"",
                "  lora4j train --help",
                "",
                "Exit codes: 0 done, 1 failed, 2 wrong use; 129, 130 or 143 stopped by a signal, 141 whoever read the results has",
                "gone (| head).",
                "LORA4J_JAVA_OPTS holds options for Java, such as -Xmx8g.",
        },
        versionProvider = Version.class)
public final class Main implements Callable<Integer> {

    /** In the order of {@code lora4j --help}. */
    private static final List<Class<? extends LoraCommand>> COMMANDS = List.of(
            DemoCommand.class,
            TrainCommand.class,
            GenerateCommand.class,
            ChatCommand.class,
            ServeCommand.class,
            EvaluateCommand.class,
            PredictCommand.class,
            PlanCommand.class,
            LedgerCommand.class,
            ReproduceCommand.class,
            ScoreCommand.class,
            TraceCommand.class,
            MergeCommand.class,
            ConvertCommand.class,
            InspectCommand.class,
            AnalyseCommand.class,
            ExplainCommand.class,
            CompareCommand.class,
            BenchCommand.class,
            CompletionCommand.class,
            DoctorCommand.class);

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help.")
    private boolean help;

    @Option(names = {"-V", "--version"}, versionHelp = true, description = "Show the version.")
    private boolean version;

    @Spec
    private CommandSpec spec;

    private final Ui ui;

    private Main(Ui ui) {
        this.ui = ui;
    }

    /** Runs the process's command line, and ends the process with its {@link ExitCode}. */
    public static void main(String[] args) {
        StandardError.restore();
        Ui ui = Ui.ofProcess();
        String broken = ProcessArguments.broken(args);
        if (broken != null) {
            ui.error(broken);
            System.exit(ExitCode.WRONG_USE);
        }
        System.exit(run(ui, args));
    }

    /** Runs one command line and returns its {@link ExitCode}; writes only to the given streams, as to files. */
    public static int run(PrintStream out, PrintStream err, String... args) {
        return run(new Ui(out, err, Terminal.NONE), args);
    }

    /** Runs one command line as one of several workers. */
    public static int run(PrintStream out, PrintStream err, Membership membership, String... args) {
        return run(new Ui(out, err, Terminal.NONE, membership), args);
    }

    static int run(Ui ui, String... args) {
        try {
            String named = args.length == 0 ? "" : args[0];
            CommandLine commandLine = commandLine(ui, named::equals);
            try {
                AttachedValues.check(commandLine, args);
            } catch (ParameterException wrong) {
                return Failures.wrongUse(wrong, ui);
            }
            if (!List.of(args).contains("--")) {
                commandLine.setEndOfOptionsDelimiter("\0"); // so that --prompt=-- is a value too
            }
            int code = commandLine.execute(args);
            if (code == ExitCode.OK) {
                ui.requireWritten();
            }
            return code;
        } catch (Throwable thrown) { // a mistake in this package: commands report their own failures
            return Failures.report(thrown, ui);
        } finally {
            ui.flush();
        }
    }

    /** The parser with all commands, for tests and for writing the manual. */
    static CommandLine commandLine(Ui ui) {
        return commandLine(ui, name -> true);
    }

    /**
     * The parser. Reading a command's options takes ten milliseconds that every start would pay for every command, so only
     * the command that is {@code needed} has them; of the others it knows what the list of commands shows.
     */
    private static CommandLine commandLine(Ui ui, Predicate<String> needed) {
        CommandLine main = new CommandLine(new Main(ui));
        for (Class<? extends LoraCommand> type : COMMANDS) {
            Command command = type.getAnnotation(Command.class);
            if (needed.test(command.name())) {
                main.addSubcommand(type);
            } else {
                CommandSpec shown = CommandSpec.create();
                shown.usageMessage().description(command.description());
                main.addSubcommand(command.name(), shown);
            }
        }
        Map<String, IHelpSectionRenderer> sections = main.getHelpSectionMap();
        sections.put(UsageMessageSpec.SECTION_KEY_FOOTER, Main::unwrappedFooter);
        return main
                .setHelpSectionMap(sections)
                .setOut(ui.outWriter())
                .setErr(ui.errWriter())
                .setColorScheme(CommandLine.Help.defaultColorScheme(ui.terminal().colours() ? Ansi.ON : Ansi.OFF))
                .setUsageHelpWidth(Math.clamp(ui.terminal().columns(), 80, 120))
                .setAbbreviatedOptionsAllowed(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setAllowOptionsAsOptionParameters(true) // after an equals sign, see AttachedValues
                .setExpandAtFiles(false) // a prompt may start with @
                .registerConverter(Path.class, Main::path)
                .setParameterExceptionHandler((wrong, args) -> Failures.wrongUse(wrong, ui))
                .setExecutionExceptionHandler((thrown, commandLine, parsed) -> Failures.report(thrown, ui));
    }

    /** An empty name would be the current folder, which nobody means who gives an empty variable. */
    private static Path path(String text) {
        if (text.isBlank()) {
            throw new TypeConversionException(Failures.NO_NAME);
        }
        return Path.of(text);
    }

    /** Examples as they were written: a command that is wrapped cannot be copied. */
    private static String unwrappedFooter(CommandLine.Help help) {
        String[] footer = help.commandSpec().usageMessage().footer();
        return footer.length == 0 ? "" : String.join(System.lineSeparator(), footer) + System.lineSeparator();
    }

    Ui ui() {
        return ui;
    }

    /** No command was named: shows what there is. */
    @Override
    public Integer call() {
        spec.commandLine().usage(spec.commandLine().getErr());
        return ExitCode.WRONG_USE;
    }
}
