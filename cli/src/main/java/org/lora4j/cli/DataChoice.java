package org.lora4j.cli;

import java.nio.file.Path;
import java.util.List;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.data.TooLong;
import org.lora4j.experiments.data.DataName;
import org.lora4j.experiments.reproduce.Experiment;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code --data} and what becomes of examples that are too long, for commands that read pairs. */
final class DataChoice {

    @Option(names = "--data", paramLabel = "PATH",
            description = "Pairs of context and completion: the zip, folder or CSV file of E2E, JSON lines with context "
                    + "and completion, text lines context||completion, e2e for the embedded E2E, or webnlg:DIR and dart:DIR for "
                    + "the folder with WebNLG's or DART's JSON files (webnlg-seen:DIR, webnlg-unseen:DIR for these categories). "
                    + "A folder has a file for each part: train.jsonl, dev.jsonl (or valid, validation, val, eval), test.jsonl. "
                    + "Files may be packed by gzip; - is standard input. White space around the texts counts in JSON lines and "
                    + "is dropped elsewhere. Special and added tokens of the model that are written out in the texts, such as "
                    + "<|endoftext|>, are these tokens. With --task: a folder in GLUE's layout, or JSON lines, CSV or TSV with columns that have "
                    + "names.")
    private String data;

    private DataName opened;

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
        return opened().open(split);
    }

    /** Whether there is such a part; a single file has none, and is read whole for any. */
    boolean has(Split split) {
        requireGiven();
        return opened().has(split);
    }

    /** The same for all parts: what comes through a pipe comes once. */
    private DataName opened() {
        if (opened == null) {
            opened = DataName.of(data);
        }
        return opened;
    }

    /** Where it lies; null for what is embedded. */
    Path path() {
        requireGiven();
        return DataName.of(data).path();
    }

    /** Where texts with labels lie: a file or folder; null for standard input. */
    Path place() {
        requireGiven();
        return data.equals("-") ? null : Path.of(data);
    }

    /** For commands that need {@code --data}: refuses to go on without it, before anything is loaded. */
    void requireGiven() {
        if (data == null) {
            throw new ParameterException(command.commandLine(), "Missing required option: '--data=PATH'");
        }
    }

    /** The paper's experiment with this data; null where it has none. */
    Experiment experiment() {
        requireGiven();
        return opened().isE2e() ? Experiment.named("e2e") : null;
    }

    TooLong tooLong() {
        return tooLong;
    }

    /** As the user typed it. */
    String name() {
        return data;
    }
}
