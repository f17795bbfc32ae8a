package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {

    @Test
    void helpListsTheCommandsOnStandardOutput() {
        Run run = Run.of("--help");

        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).contains("Commands:", "doctor", "Examples:", "Exit codes:");
        assertThat(run.err()).isEmpty();
    }

    @Test
    void noCommandShowsTheHelpOnStandardErrorAndIsWrongUse() {
        Run run = Run.of();

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains("Commands:");
        assertThat(run.out()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"--version", "-V"})
    void versionNamesThisBuildAndItsJava(String option) {
        Run run = Run.of(option);

        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).matches("(?s)lora4j \\d+\\.\\d+.*Java " + Runtime.version().feature() + ".*");
    }

    @Test
    void aMistypedCommandIsOneLineWithTheNearestAndExitCode2() {
        Run run = Run.of("docter");

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).isEqualToIgnoringNewLines(
                "lora4j: there is no command 'docter' (nearest: doctor). See lora4j --help.");
    }

    @Test
    void aMistypedOptionIsOneLineWithTheNearestAndExitCode2() {
        Run run = Run.of("doctor", "--jsn");

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).isEqualToIgnoringNewLines(
                "lora4j: there is no option '--jsn' (nearest: --json). See lora4j doctor --help.");
    }

    @Test
    void aValueThatLostItsQuotesIsToldThatItNeedsThem() {
        Run run = Run.of("doctor", "Blue", "Spice");

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains("unexpected 'Blue'", "needs quotes");
    }

    @Test
    void anOptionsNameInPlaceOfAValueIsToldHowToSayIt() {
        Run run = Run.of("generate", "--model", "base-6m", "--prompt", "--json");

        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).isEqualToIgnoringNewLines("lora4j: --prompt: expected TEXT, found the option --json. If that is the "
                + "value, say --prompt=--json. See lora4j generate --help.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "-h", "--", "--model", "--json=x", "-5 degrees", "@file", "--version"})
    void anyTextCanBeAPromptAfterAnEqualsSign(String prompt) throws Exception {
        Run run = Run.of("generate", "--model", "base-6m", "--max-new-tokens", "1", "--json", "--prompt=" + prompt);

        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        assertThat(new ObjectMapper().readTree(run.out()).get(0).get("prompt").asText()).isEqualTo(prompt);
    }

    @ParameterizedTest
    @MethodSource("commands")
    void everyCommandHasAHelpWithAnExampleOfItself(CommandLine command) {
        String name = command.getCommandName();

        Run run = Run.of(name, "--help");

        assertThat(run.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(run.out()).contains("Example:").contains(command.getCommandSpec().usageMessage().footer());
        assertThat(command.getCommandSpec().usageMessage().footer()[0]).startsWith("  lora4j " + name);
        String inTheListOfCommands = command.getCommandSpec().usageMessage().description()[0];
        assertThat(inTheListOfCommands).hasSizeLessThan(80);
    }

    static Collection<CommandLine> commands() {
        Ui ui = new Ui(Run.stream(new ByteArrayOutputStream()), Run.stream(new ByteArrayOutputStream()), Terminal.NONE);
        return Main.commandLine(ui).getSubcommands().values();
    }
}
