package org.lora4j.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.lora4j.LoraException;
import org.lora4j.Names;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraConfig;
import org.lora4j.tuning.lora.LoraInit;
import org.lora4j.tuning.lora.LoraScaling;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options that make a {@link LoraConfig}. */
final class LoraChoice {

    @Option(names = "--rank", defaultValue = "4", paramLabel = "R",
            description = "r, the rank of each update (default: ${DEFAULT-VALUE}).")
    private int rank;

    @Option(names = "--alpha", defaultValue = "32", paramLabel = "X",
            description = "alpha; the update counts alpha/r (default: ${DEFAULT-VALUE}).")
    private double alpha;

    @Option(names = "--targets", defaultValue = "q,v", paramLabel = "NAMES",
            description = "What gets an update: maps, or parts of fused ones, by what they do (q, k, v, o, gate, up, down, "
                    + "head), names of modules or ends of names as the model's files have them, all-linear, or an expression "
                    + "for whole names after regex: "
                    + "(default: ${DEFAULT-VALUE}).")
    private String targets;

    @Option(names = "--layers", split = ",", paramLabel = "N",
            description = "Only in these layers, counted from 0 (default: all).")
    private List<Integer> layers = List.of();

    @Option(names = "--dropout", defaultValue = "0", paramLabel = "P",
            description = "Dropout on the input of each update, in training (default: ${DEFAULT-VALUE}; the paper's E2E: 0.1).")
    private double dropout;

    @Option(names = "--bias", defaultValue = "none", paramLabel = "MODE",
            description = "Biases that train too: none, all or lora_only (default: ${DEFAULT-VALUE}).")
    private BiasMode bias;

    @Option(names = "--init", defaultValue = "gaussian", paramLabel = "KIND",
            description = "How A begins: gaussian, N(0, 1/in) after the paper; kaiming, uniform as in loralib and PEFT; or "
                    + "pissa, with pissa_niter_N by N random iterations: A and B take the largest singular values of the "
                    + "weight, and what is saved is a plain LoRA of twice the rank (default: ${DEFAULT-VALUE}).")
    private String init;

    @Option(names = "--rslora", description = "Scale by alpha/√r instead of alpha/r.")
    private boolean rsLora;

    @Option(names = "--dora", description = "Train a magnitude for each output beside the update (DoRA).")
    private boolean dora;

    private static final Pattern PISSA = Pattern.compile("pissa(?:_niter_([1-9][0-9]{0,4}))?");

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** What was asked for; a value that makes no sense is wrong use. */
    LoraConfig config() {
        try {
            return read();
        } catch (LoraException refused) {
            throw wrongUse(refused);
        }
    }

    private ParameterException wrongUse(LoraException refused) {
        return new ParameterException(command.commandLine(), refused.getMessage());
    }

    private LoraConfig read() {
        return begun(LoraConfig.of(rank, alpha)
                .withScaling(rsLora ? LoraScaling.ALPHA_OVER_SQRT_R : LoraScaling.ALPHA_OVER_R)
                .withDropout(dropout).withBias(bias).withDora(dora)
                .withTargets(targets, layers));
    }

    private LoraConfig begun(LoraConfig config) {
        String word = MethodChoice.word(init);
        Matcher pissa = PISSA.matcher(word);
        if (pissa.matches()) {
            return config.withPissa(pissa.group(1) == null ? 0 : Integer.parseInt(pissa.group(1)));
        }
        return config.withInit(switch (word) {
            case "gaussian" -> LoraInit.PAPER_GAUSSIAN;
            case "kaiming" -> LoraInit.LORALIB_KAIMING;
            default -> throw new LoraException("`init` " + Names.shortened(init) + ": expected gaussian, kaiming, pissa or pissa_niter_N "
                    + "with a number of iterations");
        });
    }

    /** {@code LoRA r 4, alpha 32 on q,v}. */
    String text() {
        return method() + " r %d, alpha %s on %s".formatted(rank, Names.number(alpha), targets.toLowerCase(Locale.ROOT));
    }

    /** LoRA, DoRA or PiSSA. */
    String method() {
        return PISSA.matcher(MethodChoice.word(init)).matches() ? "PiSSA" : dora ? "DoRA" : "LoRA";
    }

    int rank() {
        return rank;
    }

    double alpha() {
        return alpha;
    }

    List<String> targets() {
        return Arrays.asList(targets.split(","));
    }
}
