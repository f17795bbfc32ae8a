package org.lora4j.cli;

import java.util.List;
import org.lora4j.generate.Sampling;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How tokens are drawn, and what ends a text. */
final class SamplingChoice {

    @Option(names = "--temperature", defaultValue = "0", paramLabel = "X",
            description = "0 takes the likeliest token each time, 1 draws from the model's distribution "
                    + "(default: ${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--top-k", defaultValue = "0", paramLabel = "K",
            description = "Draw from the K likeliest tokens, 0 for all (default: ${DEFAULT-VALUE}).")
    private int topK;

    @Option(names = "--top-p", defaultValue = "1", paramLabel = "P",
            description = "Draw from the likeliest tokens that make up the share P (default: ${DEFAULT-VALUE}).")
    private double topP;

    @Option(names = "--min-p", defaultValue = "0", paramLabel = "P",
            description = "Draw from tokens that are at least P times as likely as the likeliest (default: ${DEFAULT-VALUE}, "
                    + "from all).")
    private double minP;

    @Option(names = "--repetition-penalty", defaultValue = "1", paramLabel = "X",
            description = "Makes tokens that prompt or text has already less likely: their logits are divided by X, negative "
                    + "ones multiplied; 1 for no such rule (default: ${DEFAULT-VALUE}).")
    private double repetitionPenalty;

    @Option(names = "--stop", paramLabel = "TEXT",
            description = "Ends a text where it would write this, which is not printed; may be given several times. \\n, \\r, "
                    + "\\t and \\\\ in it stand for line breaks, tab and backslash.")
    private List<String> stops = List.of();

    @Option(names = "--seed", defaultValue = "0", paramLabel = "N",
            description = "Of the draws (default: ${DEFAULT-VALUE}).")
    private long seed;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** The rule for drawing; what has no effect is said. */
    Sampling sampling(Ui ui) {
        if (stops.contains("")) {
            throw new ParameterException(command.commandLine(), "--stop \"\": expected a text that ends what is written");
        }
        Sampling sampling = new Sampling(temperature, topK, topP, minP, repetitionPenalty, seed);
        if (temperature == 0 && (topK != 0 || topP != 1 || minP != 0)) {
            ui.warn("--top-k, --top-p and --min-p have no effect without --temperature: greedy takes the likeliest token");
        }
        return sampling;
    }

    /** The texts that end what is written. */
    List<String> stops() {
        return stops.stream().map(SamplingChoice::unescaped).toList();
    }

    private static String unescaped(String stop) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < stop.length(); i++) {
            int escape = stop.charAt(i) == '\\' && i + 1 < stop.length() ? "nrt\\".indexOf(stop.charAt(i + 1)) : -1;
            text.append(escape < 0 ? stop.charAt(i) : "\n\r\t\\".charAt(escape));
            i += escape < 0 ? 0 : 1;
        }
        return text.toString();
    }
}
