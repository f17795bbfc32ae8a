package org.lora4j.cli;

import org.lora4j.LoraException;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.lora.LoraPlus;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The options of LoRA+. */
final class LoraPlusChoice {

    @Option(names = "--lora-plus-ratio", paramLabel = "X",
            description = "LoRA+: B's learning rate is X times A's, such as 16 (default: the same).")
    private Double ratio;

    @Option(names = "--lora-plus-embedding-lr", paramLabel = "X",
            description = "With --lora-plus-ratio: the learning rate's peak of an embedding's A and B (default: 1e-6).")
    private Double embeddingRate;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /** The plan with the rates that were asked for; a value that makes no sense is wrong use. */
    TrainingPlan in(TrainingPlan plan) {
        check();
        return ratio == null ? plan : plan.withLoraPlus(rates());
    }

    void check() {
        if (ratio == null && embeddingRate != null) {
            throw new ParameterException(command.commandLine(), "--lora-plus-embedding-lr without --lora-plus-ratio: an embedding's "
                    + "A and B have a rate of their own in LoRA+ only");
        }
        if (ratio != null) {
            rates();
        }
    }

    private LoraPlus rates() {
        try {
            return new LoraPlus(ratio, embeddingRate != null ? embeddingRate : Double.valueOf(LoraPlus.EMBEDDING_RATE));
        } catch (LoraException refused) {
            throw new ParameterException(command.commandLine(), refused.getMessage());
        }
    }
}
