package org.lora4j.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.lora4j.LoraException;
import org.lora4j.experiments.data.GlueTask;
import org.lora4j.experiments.reproduce.GlueRecipe;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine;

/** {@code --recipe}: the options of one of the paper's results, for those that were not given. */
final class RecipeChoice {

    /** Of each two, the one that was given rules the other out. */
    private static final List<List<String>> RIVALS = List.of(List.of("--warmup", "--warmup-ratio"), List.of("--epochs", "--steps"));

    @Option(names = "--recipe", paramLabel = "NAME",
            description = "GLUE: take the options that are not given from the paper's tables 9 and 10 (roberta-base, roberta-large, "
                    + "roberta-large-restricted, deberta-xxl; of adapter layers roberta-large-pfeiffer-3m and -0.8m, "
                    + "roberta-large-houlsby-6m and -0.8m) or the authors' scripts (roberta-base-scripts, roberta-large-scripts, "
                    + "deberta-xxl-scripts), and measure after each epoch.")
    private String name;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** The recipe for this task; empty where none was asked for. */
    Optional<GlueRecipe> recipe(Optional<GlueTask> task) {
        if (name == null) {
            return Optional.empty();
        }
        GlueTask known = task.orElseThrow(() -> wrongUse("--recipe " + name + ": recipes are of GLUE's tasks, such as --task sst2"));
        try {
            return Optional.of(GlueRecipe.of(MethodChoice.word(name), known));
        } catch (LoraException refused) {
            throw wrongUse(refused.getMessage());
        }
    }

    /** Sets the options that were not given, and says which. */
    void apply(GlueRecipe recipe, Ui ui) {
        ui.info("--recipe " + recipe.name() + " (" + recipe.source() + "):" + fill(command.commandLine(), recipe.options()));
    }

    /**
     * Sets options that were not given, nor what rules them out.
     *
     * @param options by their names
     * @return what was set, as one types it
     */
    static String fill(CommandLine commandLine, Map<String, String> options) {
        ParseResult given = commandLine.getParseResult();
        StringBuilder said = new StringBuilder();
        options.forEach((option, value) -> {
            boolean ruledOut = RIVALS.stream().filter(rivals -> rivals.contains(option)).flatMap(List::stream)
                    .anyMatch(given::hasMatchedOption);
            if (!given.hasMatchedOption(option) && !ruledOut) {
                set(commandLine.getCommandSpec().findOption(option), value); // a mixin's own spec has no options but its own
                said.append(' ').append(option).append(' ').append(value);
            }
        });
        return said.toString();
    }

    private static void set(OptionSpec option, String value) {
        Class<?> type = option.type();
        Object typed;
        if (type == int.class || type == Integer.class) {
            typed = Integer.valueOf(value);
        } else if (type == long.class || type == Long.class) {
            typed = Long.valueOf(value);
        } else if (type == double.class || type == Double.class) {
            typed = Double.valueOf(value);
        } else if (type.isEnum()) {
            typed = Arrays.stream(type.getEnumConstants()).filter(one -> one.toString().equalsIgnoreCase(value)).findFirst()
                    .orElseThrow();
        } else {
            typed = value;
        }
        try {
            option.setter().set(typed);
        } catch (Exception e) {
            throw new IllegalStateException(option.longestName(), e);
        }
    }

    private ParameterException wrongUse(String message) {
        return new ParameterException(command.commandLine(), message);
    }
}
