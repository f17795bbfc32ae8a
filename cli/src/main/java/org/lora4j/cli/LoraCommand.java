package org.lora4j.cli;

import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.lora4j.LoraException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * What all commands have in common. A command annotates its class with {@code @Command(name, description, footer)}, the
 * description's first line being what {@code lora4j --help} shows and the footer an example, declares its options as
 * fields, and does its work in {@link #run}; then it is named in {@link Main}'s list. Exceptions are not caught there: they
 * become one line and an exit code here.
 */
@Command(
        sortOptions = false,
        optionListHeading = "%nOptions:%n",
        parameterListHeading = "%nArguments:%n",
        descriptionHeading = "%n",
        footerHeading = "%nExample:%n")
abstract class LoraCommand implements Callable<Integer> {

    @Option(names = {"-q", "--quiet"}, order = 100, description = "No progress and no remarks, only results and errors.")
    private boolean quiet;

    @Option(names = {"-v", "--verbose"}, order = 101, description = "More remarks, and stack traces of failures.")
    private boolean verbose;

    @Option(names = {"-h", "--help"}, order = 102, usageHelp = true, description = "Show this help.")
    private boolean help;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    /** The command's work; returns an {@link ExitCode}. */
    protected abstract int run() throws Exception;

    @Override
    public final Integer call() {
        main.ui().listenTo(quiet, verbose);
        main.ui().speakOf(spec.optionsMap().keySet());
        try {
            return run();
        } catch (ParameterException wrongUse) {
            throw wrongUse;
        } catch (Throwable thrown) { // errors too: out of memory is one of them
            return Failures.report(thrown, ui());
        }
    }

    /** Where to print. */
    protected final Ui ui() {
        return main.ui();
    }

    /** What {@code made} gives; an option it refuses is wrong use, not a failure. */
    protected final <T> T option(Supplier<T> made) {
        try {
            return made.get();
        } catch (LoraException refused) {
            throw wrongUse(refused.getMessage());
        }
    }

    /** The command as one would type it again. */
    protected final String commandText() {
        return spec.commandLine().getParent().getParseResult().originalArgs().stream()
                .map(arg -> arg.matches("[\\w@%+=:,./-]+") ? arg : "'" + arg.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" ", "lora4j ", ""));
    }

    /** The command and its options, for what several commands check in the same way. */
    protected final CommandSpec spec() {
        return spec;
    }

    /** To be thrown where options are fine one by one and not together; ends with {@link ExitCode#WRONG_USE}. */
    protected final ParameterException wrongUse(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
