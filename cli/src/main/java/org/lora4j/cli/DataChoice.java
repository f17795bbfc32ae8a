package org.lora4j.cli;

import java.util.List;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.data.TooLong;
import org.lora4j.experiments.data.DataName;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code --data} and what becomes of examples that are too long, for commands that read pairs. */
final class DataChoice {

    @Option(names = "--data", paramLabel = "PATH",
            description = "Pairs of context and completion: the zip, folder or CSV file of E2E, JSON lines with context "
                    + "and completion, text lines context||completion, e2e for the embedded E2E, or webnlg:DIR and dart:DIR for "
                    + "the folder with WebNLG's or DART's JSON files (webnlg-seen:DIR, webnlg-unseen:DIR for these categories).")
    private String data;

    @Option(names = "--too-long", defaultValue = "fail", paramLabel = "WHAT",
            description = "An example longer than the model's positions: fail, truncate_context or drop "
                    + "(default: ${DEFAULT-VALUE}).")
    private TooLong tooLong;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** Whether {@code --data} was given; a command that has data of its own works without. */
    boolean isGiven() {
        return data != null;
    }

    /** The pairs of a part; without {@code --data} it is wrong use. */
    List<TextPair> open(Split split) {
        requireGiven();
        return DataName.of(data).open(split);
    }

    /** Whether there is such a part; a single file has none, and is read whole for any. */
    boolean has(Split split) {
        requireGiven();
        return DataName.of(data).has(split);
    }

    /** For commands that need {@code --data}: refuses to go on without it, before anything is loaded. */
    void requireGiven() {
        if (data == null) {
            throw new ParameterException(command.commandLine(), "Missing required option: '--data=PATH'");
        }
    }

    TooLong tooLong() {
        return tooLong;
    }

    /** As the user typed it. */
    String name() {
        return data;
    }
}
