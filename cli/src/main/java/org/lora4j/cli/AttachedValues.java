package org.lora4j.cli;

import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine;

/**
 * Lets {@code --prompt=--help} say what it says: a value after an equals sign may be anything. A value of its own that is
 * an option's name, {@code --prompt --help}, is more likely a value that was forgotten, and refused.
 */
final class AttachedValues {

    private AttachedValues() {
    }

    /**
     * Checks a command line that picocli is to read with options allowed as values.
     *
     * @throws ParameterException if an option stands where another one's value should
     */
    static void check(CommandLine main, String... args) {
        CommandLine command = args.length == 0 ? null : main.getSubcommands().get(args[0]);
        for (int i = 1; command != null && i + 1 < args.length && !args[i].equals("--"); i++) {
            // not findOption, which takes a name without its hyphens too: `bench adapters` names no option
            OptionSpec option = command.getCommandSpec().optionsMap().get(args[i]);
            if (option != null && option.arity().min() > 0) {
                i++;
                String name = args[i].contains("=") ? args[i].substring(0, args[i].indexOf('=')) : args[i];
                if (command.getCommandSpec().optionsMap().containsKey(name)) {
                    throw new ParameterException(command, args[i - 1] + ": expected " + option.paramLabel() + ", found the option "
                            + args[i] + ". If that is the value, say " + args[i - 1] + "=" + args[i]);
                }
            }
        }
    }
}
