package org.lora4j.cli;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.lora4j.LoraException;
import org.lora4j.experiments.report.RunReport;
import org.lora4j.model.Model;
import org.lora4j.tokenizer.Tokenizer;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.AdapterTuning;
import org.lora4j.tuning.LoraWithTokens;
import org.lora4j.tuning.LowRankAdaptation;
import org.lora4j.tuning.Tuning;
import org.lora4j.tuning.TuningMethod;
import org.lora4j.tuning.TuningMethods;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code --method}, with the options of LoRA, which the other methods do not have. */
final class MethodChoice {

    @Option(names = "--method", defaultValue = TuningMethods.LORA, paramLabel = "NAME",
            description = {
                "How to adapt (default: ${DEFAULT-VALUE}). What only lora has is refused with another: --rank, --alpha, "
                        + "--targets, --layers, --dropout, --bias, --init, --rslora, --dora, --lora-plus-ratio. The others' settings stand in the "
                        + "name, behind a colon: houlsby:64, or houlsby:64,norms=true.",
                "Saved as a folder beside the base: lora; adapter layers of R features in each block, houlsby:R, lin:R, "
                        + "pfeiffer:R, adapterdrop:R, with activation=NAME, skip=N (the lowest N blocks have none), init=X, "
                        + "norms=true (the blocks' norms train too).",
                "N special tokens in every sequence, whose embeddings train: prefix-embedding:N, with infix=N for some between "
                        + "input and output; prefix-layer:N, what goes into every block too; as PEFT has them and saves them, "
                        + "prompt-tuning:N, p-tuning:N with width=H, prefix-tuning:N with projection=true. With "
                        + "init=random or init=12-7-31, tokens, they begin as these. LoRA beside one of them: lora+prefix-embedding:N.",
                "Saved as a whole model with its tokenizer: full, every parameter; bitfit, the biases; top:N, the last N blocks.",
            })
    private String name;

    @Mixin
    private LoraChoice lora;

    @Mixin
    private LoraPlusChoice plus;

    @Mixin
    private SpecialTokenChoice tokens;

    private Supplier<Tokenizer> tokenizer = () -> {
        throw new IllegalStateException("no tokenizer was given");
    };

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** What was asked for; a value that makes no sense, or an option that the method does not have, is wrong use. */
    TuningMethod method() {
        plus.check();
        if (isLora()) {
            tokens.refuse(name);
            return new LowRankAdaptation(lora.config());
        }
        try {
            String word = word(name);
            if (TuningMethods.haveSpecialTokens(word)) {
                word = tokens.into(word, tokenizer);
            } else {
                tokens.refuse(name);
            }
            if (isWithLora()) {
                return TuningMethods.parse(word, new LowRankAdaptation(lora.config()));
            }
            TuningMethod method = TuningMethods.parse(word);
            refuse(command, name, Stream.of(new LoraChoice(), new LoraPlusChoice()).flatMap(options ->
                    CommandSpec.forAnnotatedObject(options).options().stream()).map(OptionSpec::longestName).toList());
            return method;
        } catch (LoraException refused) {
            throw wrongUse(refused);
        }
    }

    /**
     * Refuses options that only LoRA has.
     *
     * @param method as the user typed it
     * @param names  of the options
     */
    static void refuse(CommandSpec command, String method, Collection<String> names) {
        ParseResult given = command.commandLine().getParseResult();
        List<String> refused = names.stream().filter(given::hasMatchedOption).toList();
        if (!refused.isEmpty()) {
            throw new ParameterException(command.commandLine(), String.join(", ", refused) + ": --method " + method + " has no "
                    + "such option, only lora has. Leave " + (refused.size() == 1 ? "it" : "them") + " out, or take --method lora");
        }
    }

    /** The plan with what LoRA+ changes of it. */
    TrainingPlan plan(TrainingPlan plan) {
        return plus.in(plan);
    }

    /** Attaches it; what does not suit this model is wrong use. */
    Tuning attach(Model model, TuningMethod method, long seed) {
        try {
            return method.attach(model, seed);
        } catch (LoraException refused) {
            throw wrongUse(refused);
        }
    }

    private ParameterException wrongUse(LoraException refused) {
        return new ParameterException(command.commandLine(), refused.getMessage());
    }

    /** What reads {@code --init-text}. */
    void readTextsBy(Supplier<Tokenizer> own) {
        tokenizer = own;
    }

    /** Whether LoRA trains beside something else. */
    private boolean isWithLora() {
        return word(name).startsWith(LoraWithTokens.WORD);
    }

    boolean isLora() {
        return word(name).equals(TuningMethods.LORA);
    }

    /** The name of a method that a user typed. */
    static String word(String typed) {
        return typed.strip().toLowerCase(Locale.ROOT);
    }

    /** The options that make a new adapter, and of one that is there say nothing; alpha is for a loralib file, which has none. */
    static List<String> ofNewAdapters() {
        return CommandSpec.forAnnotatedObject(new LoraChoice()).options().stream().map(OptionSpec::longestName)
                .filter(name -> !name.equals("--alpha")).toList();
    }

    /** Refuses another method where an adapter is begun with. */
    void requireLora(String asked) {
        if (!isLora()) {
            throw new ParameterException(command.commandLine(), asked + " --method " + name + ": an adapter goes on with lora alone. "
                    + "Leave out one of the two");
        }
    }

    /** What {@code --alpha} says, where it was given or a recipe gives it. */
    OptionalDouble givenAlpha(boolean byRecipe) {
        boolean given = byRecipe || command.commandLine().getParseResult().hasMatchedOption("--alpha");
        return given ? OptionalDouble.of(lora.alpha()) : OptionalDouble.empty();
    }

    /** Whether what it learns is multiplied by 0. */
    boolean learnsNothing() {
        return isLora() && lora.alpha() == 0;
    }

    /** {@code LoRA r 4, alpha 32 on q,v}; {@code full fine-tuning}. */
    String text(Tuning tuning) {
        return isLora() ? lora.text() : isWithLora() ? lora.text() + " with " + tuning.name().substring(LoraWithTokens.WORD.length())
                : tuning instanceof AdapterTuning ? tuning.title() + " " + tuning.name() : tuning.title();
    }

    /** For the report. */
    RunReport.Method reported(Tuning tuning) {
        if (isWithLora()) {
            return new RunReport.Method(tuning.title(), text(tuning), tuning.parameterCount());
        }
        return isLora()
                ? RunReport.Method.lora(lora.rank(), lora.alpha(), lora.targets(), tuning.parameterCount()).named(tuning.title())
                : reportedOther(tuning);
    }

    /** A method other than LoRA. */
    static RunReport.Method reportedOther(Tuning tuning) {
        String settings = switch (tuning.name()) {
            case "full" -> "everything trains";
            case "bitfit" -> "the biases train";
            default -> tuning instanceof AdapterTuning ? tuning.name() + ", the base is frozen" : "the rest is frozen";
        };
        return new RunReport.Method(tuning.title(), settings, tuning.parameterCount());
    }
}
