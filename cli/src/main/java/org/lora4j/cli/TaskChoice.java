package org.lora4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.lora4j.Names;
import org.lora4j.experiments.data.ClassifierData;
import org.lora4j.experiments.data.GlueTask;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code --task}, and what tasks of texts with labels want to know. */
final class TaskChoice {

    private static final String CLASSIFICATION = "classification";
    private static final String REGRESSION = "regression";

    @Option(names = "--task", paramLabel = "NAME",
            description = "What is learnt or measured, see above: by default texts that go on. classification or regression, of texts "
                    + "with labels of your own; or one of GLUE's: cola, sst2, mrpc, qqp, stsb, mnli, qnli, rte, wnli.")
    private String task;

    @Mixin
    private ColumnChoice columns;

    @Option(names = "--max-length", paramLabel = "N",
            description = "Tokens of a text, or of a pair together, beyond which it is cut (default: the model's positions).")
    private Integer maxLength;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /**
     * The word that was given, in small letters, where it is one of these; empty where the task is one of texts with labels.
     *
     * @param otherwise what is meant where nothing was given
     * @param others    the words of the command's other tasks
     */
    Optional<String> other(String otherwise, String... others) {
        String word = task == null ? otherwise : MethodChoice.word(task);
        if (Arrays.asList(others).contains(word)) {
            return Optional.of(word);
        }
        if (glue().isEmpty() && !word.equals(CLASSIFICATION) && !word.equals(REGRESSION)) {
            List<String> known = new ArrayList<>(List.of(others));
            known.addAll(List.of(CLASSIFICATION, REGRESSION));
            Arrays.stream(GlueTask.values()).map(GlueTask::text).forEach(known::add);
            throw new ParameterException(command.commandLine(), "--task " + Names.quoted(task) + ": expected one of "
                    + String.join(", ", known));
        }
        if (maxLength != null && maxLength < 3) {
            throw new ParameterException(command.commandLine(), "--max-length " + maxLength + ": expected at least 3, since special "
                    + "tokens stand around a text");
        }
        return Optional.empty();
    }

    /** The options that only tasks of texts with labels have; a file to measure on is every task's. */
    static List<String> ofClassifiers() {
        return Stream.concat(ofTexts().stream(), names(new ClassifierChoice())).filter(name -> !name.equals("--dev")).toList();
    }

    /** Those of them that say how texts are read. */
    static List<String> ofTexts() {
        return Stream.concat(names(new ColumnChoice()), Stream.of("--max-length")).toList();
    }

    private static Stream<String> names(Object choice) {
        return CommandSpec.forAnnotatedObject(choice).options().stream().map(OptionSpec::longestName);
    }

    /**
     * Refuses options that belong to another task.
     *
     * @param asked  what was asked for
     * @param names  of the options
     * @param meant  what they are for
     */
    static void refuse(CommandSpec command, String asked, List<String> names, String meant) {
        ParseResult given = command.commandLine().getParseResult();
        List<String> refused = names.stream().filter(given::hasMatchedOption).toList();
        if (!refused.isEmpty()) {
            throw new ParameterException(command.commandLine(), String.join(", ", refused) + ": " + asked + " has no such option, "
                    + (refused.size() == 1 ? "it is for " : "they are for ") + meant);
        }
    }

    /** The task of GLUE; empty where it is none. */
    Optional<GlueTask> glue() {
        return task == null ? Optional.empty() : GlueTask.named(task);
    }

    /** @param data what {@code --data} names */
    ClassifierData data(String data, Consumer<String> remarks) {
        return glue().map(known -> ClassifierData.ofTask(known, Path.of(data), remarks))
                .orElseGet(() -> ClassifierData.ofFiles(data, columns.columns(), MethodChoice.word(task).equals(REGRESSION)));
    }

    /** {@code SST-2}; {@code classification}. */
    String title() {
        return glue().map(GlueTask::title).orElseGet(() -> MethodChoice.word(task));
    }

    /** At most so many tokens. */
    int maxLength(int otherwise) {
        return maxLength == null ? otherwise : maxLength;
    }
}
