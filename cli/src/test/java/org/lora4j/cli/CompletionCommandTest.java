package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code lora4j completion}, and what a shell makes of it. */
@DisabledOnOs(OS.WINDOWS)
class CompletionCommandTest {

    @TempDir
    private Path temp;

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
            "lora4j ins; inspect", "lora4j tr; train trace", "lora4j train --ra; --rank", "lora4j generate --top-; --top-k --top-p",
            "lora4j completion_; bash zsh", "./lora4j doc; doctor", "lora4j nothing-such; ''"})
    void bashCompletesCommandsOptionsAndValues(String typed, String expected) throws Exception {
        List<String> offered = complete("bash", typed.replace("_", " "));
        assertThat(offered).containsExactlyInAnyOrder(expected.split(" "));
    }

    /** In zsh the function offers everything, and zsh itself takes what fits the beginning. */
    @Test
    void zshTakesTheSameScript() throws Exception {
        assumeTrue(Stream.of("/bin/zsh", "/usr/bin/zsh").anyMatch(zsh -> Files.exists(Path.of(zsh))));
        assertThat(complete("zsh", "lora4j ins")).contains("inspect").doesNotContain("--rank");
        assertThat(complete("zsh", "lora4j train --ra")).contains("--rank", "--rslora").doesNotContain("inspect");
    }

    @Test
    void everyCommandIsInIt() {
        String script = Run.of("completion").out();
        assertThat(Main.commandLine(Ui.ofProcess()).getSubcommands().keySet())
                .allSatisfy(command -> assertThat(script).contains("function _picocli_lora4j_" + command + "()"));
        assertThat(Run.of("completion", "zsh").out()).isEqualTo(script);
    }

    @Test
    void anotherShellIsWrongUse() {
        Run run = Run.of("completion", "fish");
        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains("fish").containsIgnoringCase("bash, zsh");
    }

    /** What the shell offers for what was typed, as readline would ask its function; only readline may call compopt. */
    private List<String> complete(String shell, String typed) throws Exception {
        Path script = Files.writeString(temp.resolve("completion"), Run.of("completion").out());
        Process process = new ProcessBuilder(shell, "-c", """
                %s
                . "$1" && COMP_LINE="$2${3:+ }" && COMP_POINT=${#COMP_LINE} && eval "COMP_WORDS=($2${3:+ ''})"
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _complete_lora4j
                printf '%%s\\n' "${COMPREPLY[@]}"
                """.formatted(shell.equals("zsh") ? "setopt KSH_ARRAYS; autoload -U compinit; compinit -D -u" : "compopt() { :; }"), shell, script.toString(),
                typed.strip(), typed.endsWith(" ") ? "next" : "").redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        return out.lines().map(String::strip).toList();
    }
}
