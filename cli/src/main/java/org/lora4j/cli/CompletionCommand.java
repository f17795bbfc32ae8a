package org.lora4j.cli;

import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code lora4j completion}. */
@Command(
        name = "completion",
        description = {
            "Prints a script with which bash or zsh completes commands and options.",
            "",
            "The script serves both shells. For the shell that is open, run the last of the lines below; for every shell, put it "
                    + "into ~/.bashrc or ~/.zshrc. The distribution has the script as completion/lora4j.sh.",
        },
        footer = {
            "  lora4j completion bash > ~/.local/share/bash-completion/completions/lora4j",
            "  source <(lora4j completion zsh)",
        })
final class CompletionCommand extends LoraCommand {

    /** The shells that it is for. */
    enum Shell {
        BASH, ZSH;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Parameters(arity = "0..1", defaultValue = "bash", paramLabel = "SHELL", description = "bash (default) or zsh.")
    private Shell shell;

    @Override
    protected int run() {
        ui().printText("", AutoComplete.bash("lora4j", Main.commandLine(ui())).stripTrailing());
        return ExitCode.OK;
    }
}
