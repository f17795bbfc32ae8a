package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.Names;

class ShownTest {

    private static final Terminal BOTH = new Terminal(true, true, 80, true);

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private Ui ui(Terminal terminal) {
        return new Ui(Run.stream(out), Run.stream(err), terminal);
    }

    @ParameterizedTest
    @CsvSource({"27, \\x1b", "10, \\n", "13, \\x0d", "0, \\x00", "8, \\x08", "127, \\x7f", "155, \\x9b", "8238, \\u202e",
            "8294, \\u2066", "8232, \\u2028", "8203, \\u200b", "65279, \\ufeff", "917505, \\ue0001", "55296, \\ud800"})
    void noSignThatATerminalObeysIsInALine(int sign, String shown) {
        String text = "gpt2" + Character.toString(sign) + "x";

        ui(Terminal.NONE).print(text);
        ui(Terminal.NONE).error(text);

        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("gpt2" + shown + "x" + System.lineSeparator());
        assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("lora4j: gpt2" + shown + "x" + System.lineSeparator());
    }

    @Test
    void ourOwnStylesStayAndOthersDoNot() {
        Ui ui = ui(BOTH);

        ui.print(ui.bold("a\u001b[2Jb") + "\u001b[8mhidden");

        assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("\u001b[1ma\\x1b[2Jb\u001b[0m\\x1b[8mhidden");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Zoë — 日本語 🙂", "a\tb", "e\u0301", ""})
    void plainTextStaysAsItIs(String text) {
        ui(BOTH).print(text);

        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(text + System.lineSeparator());
    }

    @Test
    void aGeneratedTextIsCleanedForATerminalAndUntouchedForAPipe() {
        String text = "one\ntwo\u001b]0;x\u0007 \u202e 👩\u200d🚀";

        ui(Terminal.NONE).printText("", text);
        ui(Terminal.NONE).printPart(text);
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo(text + System.lineSeparator() + text);

        out.reset();
        ui(BOTH).printText("", text);
        assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("one\ntwo\\x1b]0;x\\x07 \\u202e 👩\u200d🚀");
    }

    @Test
    void jsonSaysTheSameInSignsThatShow() throws Exception {
        Map<String, Object> value = Map.of("base", "gpt2\u009b2J\u202e\u007f\u2028 👩\u200d🚀 \udb40\udc01\nx");

        ui(BOTH).printJson(value);

        String json = out.toString(StandardCharsets.UTF_8);
        assertThat(json.lines()).hasSize(3);
        assertThat(json.codePoints().filter(c -> Character.getType(c) == Character.FORMAT || c == 0x9b || c == 0x7f)).isEmpty();
        assertThat(new ObjectMapper().readValue(json, Map.class)).isEqualTo(value);
    }

    @Test
    void aMessageOfAMegabyteIsALineThatCanBeRead() {
        ui(Terminal.NONE).error("adapter: " + "name, ".repeat(200_000) + "nothing was written");

        assertThat(err.toString(StandardCharsets.UTF_8)).hasSizeLessThan(Names.LONGEST_MESSAGE + 100)
                .startsWith("lora4j: adapter: name").contains("characters left out").contains("nothing was written");
    }
}
