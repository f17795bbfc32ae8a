package org.lora4j.cli;

import java.nio.file.Path;
import java.util.List;
import org.lora4j.data.Example;
import org.lora4j.data.ExampleReader;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.data.TooLong;
import org.lora4j.experiments.data.DataName;
import org.lora4j.experiments.reproduce.Experiment;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code --data} and what becomes of examples that are too long, for commands that read them. */
final class DataChoice {

    @Option(names = "--data", paramLabel = "PATH",
            description = "A file, or a folder or zip with a file for each part: train.jsonl, dev.jsonl (or valid, validation, val, "
                    + "eval), test.jsonl. JSON lines or a JSON list, CSV or TSV, whose keys say what a line is: messages; "
                    + "conversations (ShareGPT's); prompt and completion; instruction, input and output; question and answer; input and "
                    + "output; text; context and completion; or the file of E2E, or text lines context||completion. e2e is the embedded "
                    + "E2E; webnlg:DIR and dart:DIR are the folder with WebNLG's or DART's JSON files (webnlg-seen:DIR, "
                    + "webnlg-unseen:DIR for these categories); wikisql:DIR and samsum:DIR are the folders of WikiSQL and SAMSum. Files "
                    + "may be packed by gzip; - is standard input. White space around the "
                    + "texts counts in JSON and is dropped elsewhere. Special and added tokens of the model that are written out in the "
                    + "texts, such as <|endoftext|>, are these tokens. With --task: a folder in GLUE's layout, or JSON lines, CSV or TSV "
                    + "with columns that have names.")
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

    /** The examples of a part, of whatever layout. */
    List<? extends Example> open(Split split, ExampleReader<Example> reader) {
        requireGiven();
        return opened().open(split, reader);
    }

    /** Whether there is such a part for this reader. */
    boolean has(Split split, ExampleReader<Example> reader) {
        requireGiven();
        return opened().has(split, reader);
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
