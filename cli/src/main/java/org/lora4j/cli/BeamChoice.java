package org.lora4j.cli;

import org.lora4j.LoraException;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.generate.Beam;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How texts are decoded, for commands that do it as the paper does. */
final class BeamChoice {

    @Option(names = "--beam", defaultValue = "10", paramLabel = "N",
            description = "Hypotheses that beam search keeps side by side (default: ${DEFAULT-VALUE}, the paper's).")
    private int width;

    @Option(names = "--length-penalty", defaultValue = "0.9", paramLabel = "X",
            description = "A hypothesis scores its log-probability over its length to the power X (default: "
                    + "${DEFAULT-VALUE}, the paper's for E2E).")
    private double lengthPenalty;

    @Option(names = "--no-repeat-ngram", defaultValue = "4", paramLabel = "N",
            description = "No N tokens are written twice in the same order, 0 for no such rule (default: ${DEFAULT-VALUE}; 0 for queries, "
                    + "which repeat themselves).")
    private int noRepeatNgram;

    @Option(names = "--max-new-tokens", defaultValue = "64", paramLabel = "N",
            description = "Most tokens to write (default: ${DEFAULT-VALUE}).")
    private int maxNewTokens;

    @Option(names = "--limit", defaultValue = "0", paramLabel = "N",
            description = "Decode only N inputs, spread over the set, for a quick look; 0 for all (default: ${DEFAULT-VALUE}).")
    private int limit;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** What was asked for; a value that makes no sense is wrong use. */
    Beam beam() {
        if (maxNewTokens < 1) {
            throw wrongUse("--max-new-tokens " + maxNewTokens + ": expected at least 1");
        }
        if (limit < 0) {
            throw wrongUse("--limit " + limit + ": expected 0 (all) or more");
        }
        try {
            return new Beam(width, lengthPenalty, noRepeatNgram);
        } catch (LoraException refused) {
            throw wrongUse(refused.getMessage());
        }
    }

    /** The same for queries: tokens may come again unless a rule was asked for. */
    Beam beamOfQueries() {
        Beam asked = beam();
        boolean given = command.commandLine().getParseResult().hasMatchedOption("--no-repeat-ngram");
        return given ? asked : new Beam(asked.width(), asked.lengthPenalty(), 0);
    }

    int maxNewTokens() {
        return maxNewTokens;
    }

    /** How many inputs to decode, 0 for all. */
    int limit() {
        return limit;
    }

    private ParameterException wrongUse(String message) {
        return new ParameterException(command.commandLine(), message);
    }

    /** {@code beam 10, length penalty 0.9, no 4 tokens twice, up to 64 tokens}. */
    static String text(Beam beam, int maxNewTokens) {
        return "beam " + beam.width() + ", length penalty " + beam.lengthPenalty()
                + (beam.noRepeatNgram() == 0 ? "" : ", no " + beam.noRepeatNgram() + " tokens twice")
                + ", up to " + maxNewTokens + " tokens" + (maxNewTokens == TextDecoding.MAX_NEW_TOKENS ? "" : ", not 64");
    }
}
