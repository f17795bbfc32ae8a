package org.lora4j.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.ReadOnlyFileSystemException;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.Names;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns whatever went wrong into one line on standard error and an exit code; a stack trace is for {@code --verbose}. */
final class Failures {

    private static final Pattern NO_NUMBER =
            Pattern.compile("Invalid value for option '(--[\\w-]+)'.*: '(.*)' is not an? (int|long|double)");
    private static final Pattern NO_CHOICE = Pattern.compile(
            "Invalid value for option '(--[\\w-]+)'.*: expected one of \\[(.*)] \\(case-insensitive\\) but was '(.*)'");

    /** What a converter says of an empty name. */
    static final String NO_NAME = "an empty name";
    private static final Pattern NO_PATH = Pattern.compile("Invalid value for (?:option|positional parameter.*) '?([\\w-]+)'?.*: " + NO_NAME);

    private Failures() {
    }

    /** Work that failed: {@link ExitCode#FAILURE}. */
    static int report(Throwable thrown, Ui ui) {
        Throwable cause = thrown instanceof UncheckedIOException io ? io.getCause() : thrown;
        if (cause instanceof ResultsLostException lost && lost.isReaderGone()) {
            return ExitCode.READER_GONE; // nobody is left to tell
        }
        switch (cause) {
            case ResultsLostException lost -> ui.error("standard output: the results cannot be written (" + lost.getMessage()
                    + "). Send them to a place that has room and is open for writing.");
            case InvalidPathException path -> ui.error(message(path));
            case InterruptedRun stopped -> {
                ui.error(stopped.getMessage());
                return stopped.exitCode();
            }
            case LoraException lora -> ui.error(lora.getMessage());
            case IOException io -> ui.error(message(io));
            case ReadOnlyFileSystemException _ -> ui.error("the file system is read-only; nothing was written.");
            case OutOfMemoryError memory -> ui.error(message(memory));
            default -> ui.error("unexpected " + name(cause) + text(cause.getMessage()) + ", a mistake in lora4j."
                    + (ui.isVerbose() ? "" : " Run with --verbose for the stack trace."));
        }
        if (ui.isVerbose()) {
            ui.stackTrace(thrown);
        }
        return ExitCode.FAILURE;
    }

    /** A command line that asks for something that is not there: {@link ExitCode#WRONG_USE}. */
    static int wrongUse(ParameterException wrong, Ui ui) {
        CommandSpec command = wrong.getCommandLine().getCommandSpec();
        String line = wrong instanceof UnmatchedArgumentException unmatched
                ? unmatched(unmatched, command)
                : wrong.getCause() instanceof InvalidPathException path ? message(path).replaceFirst("\\.$", "")
                : inOurWords(oneLine(wrong.getMessage()));
        boolean ended = line.endsWith(".") || line.endsWith("?");
        ui.error(line + (ended ? " " : ". ") + "See " + command.qualifiedName() + " --help.");
        return ExitCode.WRONG_USE;
    }

    private static String unmatched(UnmatchedArgumentException wrong, CommandSpec command) {
        String argument = wrong.getUnmatched().getFirst();
        if (wrong.isUnknownOption()) {
            String option = argument.contains("=") ? argument.substring(0, argument.indexOf('=')) : argument;
            return "there is no option " + Names.quoted(option) + nearest(option, command.optionsMap().keySet());
        }
        return command.subcommands().isEmpty()
                ? "unexpected " + Names.quoted(argument) + ". A value with spaces needs quotes around it."
                : "there is no command " + Names.quoted(argument) + nearest(argument, command.subcommands().keySet());
    }

    private static String nearest(String asked, Set<String> known) {
        List<String> nearest = Names.nearest(asked, known, 3);
        return nearest.isEmpty() ? "" : " (nearest: " + String.join(", ", nearest) + ")";
    }

    /** Picocli's messages, in the order of ours: asked, expected. */
    private static String inOurWords(String message) {
        Matcher number = NO_NUMBER.matcher(message);
        if (number.matches()) {
            return number.group(1) + " " + number.group(2) + ": expected a "
                    + (number.group(3).equals("double") ? "number" : "whole number");
        }
        Matcher path = NO_PATH.matcher(message);
        if (path.matches()) {
            return path.group(1) + " '': expected the name of a file or folder";
        }
        Matcher choice = NO_CHOICE.matcher(message);
        if (choice.matches()) {
            return choice.group(1) + " " + choice.group(3) + ": expected "
                    + choice.group(2).toLowerCase(Locale.ROOT).replaceFirst(", ([^,]*)$", " or $1");
        }
        return message.replaceFirst("^Error: ", "");
    }

    private static String message(IOException thrown) {
        return switch (thrown) {
            case NoSuchFileException e -> e.getFile() + ": there is no such file or folder.";
            case AccessDeniedException e -> e.getFile() + ": permission denied; choose another place or change its permissions.";
            case FileAlreadyExistsException e -> e.getFile() + ": exists already and is not what was expected there.";
            case DirectoryNotEmptyException e -> e.getFile() + ": the folder is not empty.";
            case NotDirectoryException e -> e.getFile() + ": is not a folder.";
            case FileSystemException e -> e.getFile() == null
                    ? oneLine(e.getMessage())
                    : e.getFile() + ": " + (e.getReason() == null ? "cannot be read or written" : e.getReason()) + ".";
            case FileNotFoundException e -> oneLine(e.getMessage());
            default -> thrown.getMessage() == null
                    ? "reading or writing failed (" + name(thrown) + ")."
                    : "reading or writing failed: " + oneLine(thrown.getMessage());
        };
    }

    /** A locale that has no such character, or a NUL out of a file. */
    private static String message(InvalidPathException thrown) {
        return Names.quoted(thrown.getInput()) + ": cannot be the name of a file here, where names are in "
                + System.getProperty("sun.jnu.encoding") + ". Choose another, or a UTF-8 locale: LC_ALL=C.UTF-8.";
    }

    private static String message(OutOfMemoryError thrown) {
        long heap = Runtime.getRuntime().maxMemory();
        String what = thrown.getMessage() == null ? "" : " (" + oneLine(thrown.getMessage()) + ")";
        return "out of memory" + what + ": Java may use " + Bytes.text(heap) + " of heap. Take a smaller --batch or shorter "
                + "sequences, or give it more: LORA4J_JAVA_OPTS=-Xmx" + Math.max(1, Math.round(2 * heap / 0x1p30)) + "g.";
    }

    private static String name(Throwable thrown) {
        return thrown.getClass().getSimpleName();
    }

    private static String text(String message) {
        return message == null ? "" : ": " + oneLine(message);
    }

    private static String oneLine(String message) {
        return message == null ? "" : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
