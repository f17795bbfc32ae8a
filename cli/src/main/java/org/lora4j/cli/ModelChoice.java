package org.lora4j.cli;

import java.nio.file.Path;
import org.lora4j.adapters.MethodFolder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.task.TextClassifier;
import org.lora4j.tokenizer.Tokenizer;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code --model}, for commands that load one. */
final class ModelChoice {

    @Option(names = "--model", required = true, paramLabel = "DIR",
            description = "A model's folder in Hugging Face layout, or base-6m for the embedded one.")
    private String model;

    @Mixin
    private WeightChoice weights;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    Path folder() {
        return EmbeddedBase.resolve(model);
    }

    /** As the user typed it. */
    String name() {
        return model;
    }

    /** Loads it; what the user should know of its files is said on standard error. */
    LanguageModel load(Backend backend) {
        Ui ui = ((LoraCommand) command.userObject()).ui();
        return Families.load(folder(), backend, 0, weights.type(), ui::warnOnce);
    }

    /**
     * Loads a classifier that was trained.
     *
     * @param adapter   null for a model whose own folder has the head
     * @param maxLength 0 for the length that it was trained with
     */
    TextClassifier classifier(Path adapter, int maxLength, Backend backend, Ui ui) {
        return TextClassifier.load(folder(), adapter, maxLength, backend, weights.type(), ui::info);
    }

    /** In which type the weights are held. */
    WeightType heldIn() {
        return weights.type();
    }

    Tokenizer tokenizer() {
        return Families.tokenizer(folder());
    }

    /** Attaches the adapter of a folder, of whatever method, where one is given; it does not train. */
    static void attach(LanguageModel model, Path adapter, Ui ui) {
        if (adapter != null) {
            MethodFolder.attach(model, adapter, ui::info).freeze();
        }
    }
}
