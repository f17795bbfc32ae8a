package org.lora4j.cli;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.lora4j.tokenizer.Tokenizer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The settings of methods with special tokens as options, for who does not put them into the method's name. */
final class SpecialTokenChoice {

    @Option(names = "--prefix-length", paramLabel = "N",
            description = "Special tokens before the input, of a method that has some: --method prefix-embedding --prefix-length 8 is "
                    + "--method prefix-embedding:8.")
    private Integer prefix;

    @Option(names = "--infix-length", paramLabel = "N",
            description = "Special tokens between input and output, of prefix-embedding and prefix-layer.")
    private Integer infix;

    @Option(names = "--init-text", paramLabel = "TEXT",
            description = "Special tokens begin as the embeddings of this text, from its beginning and again as often as it takes "
                    + "(default: of tokens drawn from the vocabulary).")
    private String initText;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    boolean isGiven() {
        return prefix != null || infix != null || initText != null;
    }

    /** The method's name with what was given put into it. */
    String into(String name, Supplier<Tokenizer> tokenizer) {
        requirePositive("--prefix-length", prefix);
        requirePositive("--infix-length", infix);
        if (prefix != null && name.contains(":")) {
            throw wrongUse("--prefix-length " + prefix + ": --method " + name + " says it too. Leave out one of the two");
        }
        StringBuilder all = new StringBuilder(name);
        if (!name.contains(":") && isGiven()) {
            all.append(':').append(prefix == null ? 0 : prefix);
        }
        if (infix != null) {
            all.append(",infix=").append(infix);
        }
        if (initText != null) {
            all.append(",init=").append(tokens(tokenizer.get()));
        }
        return all.toString();
    }

    private String tokens(Tokenizer tokenizer) {
        int[] ids = tokenizer.encode(initText);
        if (ids.length == 0) {
            throw wrongUse("--init-text '': a text without tokens, expected some words");
        }
        return IntStream.of(ids).mapToObj(String::valueOf).collect(Collectors.joining("-"));
    }

    private void requirePositive(String option, Integer value) {
        if (value != null && value < 0) {
            throw wrongUse(option + " " + value + ": expected 0 or a positive number");
        }
    }

    /** Refuses them with a method that has no special tokens. */
    void refuse(String method) {
        ParseResult given = command.commandLine().getParseResult();
        List<String> refused = List.of("--prefix-length", "--infix-length", "--init-text").stream().filter(given::hasMatchedOption).toList();
        if (!refused.isEmpty()) {
            throw wrongUse(String.join(", ", refused) + ": --method " + method + " has no special tokens. Leave "
                    + (refused.size() == 1 ? "it" : "them") + " out, or take --method prefix-embedding, prefix-layer, prompt-tuning, "
                    + "p-tuning or prefix-tuning, or one of these behind lora+");
        }
    }

    private ParameterException wrongUse(String problem) {
        return new ParameterException(command.commandLine(), problem);
    }
}
