package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What users give as data and prompts arrives whole, or something says what did not. */
class DataInputTest {

    private static final String SHORT = "{\"context\": \"the pub\", \"completion\": \"a river\"}\n";
    private static final String LONG = SHORT.replace("pub", "pub ".repeat(80));

    @TempDir
    private static Path folder;

    @BeforeAll
    static void model() throws IOException {
        TinyModel.write(folder.resolve("tiny"));
    }

    private static String file(String name, String content) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        return Files.writeString(folder.resolve(name), content).toString();
    }

    private static Run run(String command, String... more) {
        String[] args = new String[more.length + 3];
        args[0] = command;
        args[1] = "--model";
        args[2] = folder.resolve("tiny").toString();
        System.arraycopy(more, 0, args, 3, more.length);
        return Run.of(args);
    }

    private static JsonNode json(Run run) throws IOException {
        assertThat(run.exitCode()).as(run.err()).isZero();
        return JsonMapper.builder().build().readTree(run.out());
    }

    private static double loss(String data) throws IOException {
        return json(run("evaluate", "--data", data, "--json", "-q")).get("loss").doubleValue();
    }

    private static Run withInput(String text, String command, String... more) {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
        try {
            return run(command, more);
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void indentationAndAnEndOfLineAreLearned() throws IOException {
        String code = "{\"context\": \"def f(x):\\n    if x:\", \"completion\": \"        return x\\n\"}\n";
        double indented = loss(file("indent.jsonl", code));
        assertThat(loss(file("not.jsonl", code.replace("        return x\\n", "return x")))).isNotEqualTo(indented);
        assertThat(loss(file("line.jsonl", code.replace("x\\n\"", "x\"")))).isNotEqualTo(indented);
        assertThat(loss(file("context.jsonl", code.replace("\\n    if", "\\n if")))).isNotEqualTo(indented);
    }

    @Test
    void trainSaysWhatItDropped() throws IOException {
        String data = file("dropped.jsonl", SHORT + LONG + SHORT + LONG);
        String out = folder.resolve("dropped").toString();
        Run run = run("train", "--data", data, "--too-long", "drop", "--steps", "1", "--targets", "c_attn", "--out", out, "-q");
        assertThat(run.err()).isEqualTo("lora4j: warning: 2 of 4 train examples have more tokens than the model's 64 positions and "
                + "were dropped: " + data + ", lines 2, 4" + System.lineSeparator());

        JsonNode cut = json(run("train", "--data", data, "--too-long", "truncate_context", "--steps", "1", "--targets", "c_attn",
                "--out", folder.resolve("cut").toString(), "--json"));
        assertThat(cut.get("examples").intValue()).isEqualTo(4);
        assertThat(cut.get("truncated").intValue()).isEqualTo(2);
        assertThat(cut.get("dropped").intValue()).isZero();
    }

    @Test
    void trainSaysThatNothingIsLeftToMeasureOn() throws IOException {
        file("longdev/train.jsonl", SHORT + SHORT + LONG);
        String dev = file("longdev/eval.jsonl", "\n" + LONG);
        Run run = run("train", "--data", folder.resolve("longdev").toString(), "--too-long", "drop", "--steps", "1", "--targets",
                "c_attn", "--out", folder.resolve("unmeasured").toString());
        assertThat(run.exitCode()).isZero();
        assertThat(run.out()).contains("2 pairs to learn from, 0 to measure on");
        assertThat(run.err()).contains("1 of 1 dev example has more tokens", dev + ", line 2", "nothing is left of the dev part");

        Run failed = run("train", "--data", folder.resolve("longdev").toString(), "--steps", "1", "--out", folder.resolve("no").toString());
        assertThat(failed.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(failed.err()).contains("train.jsonl, line 3 (train, \"the pub pub");
    }

    @Test
    void evaluateSaysWhatItDropped() throws IOException {
        String data = file("evaluated.jsonl", LONG + SHORT);
        Run run = run("evaluate", "--data", data, "--too-long", "drop", "-q");
        assertThat(run.err()).contains("1 of 2 dev examples has more tokens", data + ", line 1");
        assertThat(run.out()).contains("1 examples dropped");
    }

    @Test
    void standardInputIsData() throws IOException {
        double loss = loss(file("read.jsonl", SHORT + SHORT.replace("river", "pub")));
        Run run = withInput(SHORT + SHORT.replace("river", "pub"), "evaluate", "--data", "-", "--json");
        assertThat(json(run).get("loss").doubleValue()).isEqualTo(loss);
    }

    /** Reading it twice would wait for ever for somebody who writes to it again. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aNamedPipeIsReadOnceAndWhole() throws Exception {
        String text = "the pub||a river\nthe river||a pub\n";
        double loss = loss(file("bars.txt", text));
        Run evaluated = run("evaluate", "--data", pipe("first", text), "--json");
        assertThat(json(evaluated).get("loss").doubleValue()).isEqualTo(loss);
        Run trained = run("train", "--data", pipe("second", text), "--steps", "1", "--targets", "c_attn", "--json", "--out",
                folder.resolve("piped").toString());
        assertThat(json(trained).get("examples").intValue()).isEqualTo(2);
    }

    /** A named pipe into which somebody writes a text, once. */
    private static String pipe(String name, String text) throws Exception {
        Path pipe = folder.resolve(name);
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor(10, TimeUnit.SECONDS)).isTrue();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                Files.writeString(pipe, text);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        return pipe.toString();
    }

    @Test
    void aPromptThatDoesNotFitIsNamedBeforeAnythingIsWritten() throws IOException {
        String prompts = file("prompts.txt", "the pub\n\n" + "pub ".repeat(80) + "\na river\n" + "river ".repeat(90) + "\n");
        for (String[] more : new String[][] {{}, {"--beam", "2"}, {"--adapter", "a=" + folder.resolve("given"), "--adapter", "b=" + folder.resolve("given")}}) {
            if (more.length == 4 && !Files.exists(folder.resolve("given"))) {
                assertThat(run("train", "--data", file("given.jsonl", SHORT), "--steps", "1", "--targets", "c_attn", "--out",
                        folder.resolve("given").toString()).exitCode()).isZero();
            }
            String[] args = new String[more.length + 6];
            System.arraycopy(new String[] {"--prompts", prompts, "--max-new-tokens", "4", "--json", "-q"}, 0, args, 0, 6);
            System.arraycopy(more, 0, args, 6, more.length);
            Run run = run("generate", args);
            assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
            assertThat(run.err()).contains("prompts.txt: line 3 has 8", "the model's 64 positions", "more of the ").doesNotContain("line 1");
            assertThat(run.out()).isEmpty();
        }
        Run second = run("generate", "--prompt", "a", "--prompt", "pub ".repeat(80), "--max-new-tokens", "4");
        assertThat(second.err()).contains("--prompt number 2 has");
    }

    @Test
    void anInputThatDoesNotFitIsNamedBeforeAnyIsDecoded() throws IOException {
        String data = file("inputs.jsonl", SHORT + LONG);
        Run run = run("evaluate", "--task", "e2e", "--data", data, "--max-new-tokens", "4", "--beam", "2", "-q");
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("input 2 ('the pub pub").contains("4 new ones are more than the model's 64 positions");
    }

    @Test
    void promptsComeFromStandardInputWithOrWithoutAByteOrderMark() throws IOException {
        JsonNode typed = json(run("generate", "--prompt", "the pub", "--prompt", "a\nriver", "--max-new-tokens", "2", "--json"));
        String lines = "\ufeff{\"prompt\": \"the pub\", \"id\": 1}\n{\"prompt\": \"a\\nriver\"}\n";
        assertThat(json(withInput(lines, "generate", "--prompts", "-", "--max-new-tokens", "2", "--json"))).isEqualTo(typed);
    }

    @Test
    void anEmptyPromptBeginsAText() throws IOException {
        String prompts = file("empty.jsonl", "{\"prompt\": \"\"}");
        JsonNode empty = json(run("generate", "--prompt", "", "--max-new-tokens", "3", "--json"));
        assertThat(empty.get(0).get("tokens")).isNotNull();
        assertThat(json(run("generate", "--prompts", prompts, "--max-new-tokens", "3", "--json"))).isEqualTo(empty);
        // in a pair's form a prompt ends with end-of-text, so an empty one is that token alone
        assertThat(json(run("generate", "--prompt", "", "--max-new-tokens", "3", "--prompt-format", "pair", "--json")).get(0).get("tokens"))
                .isEqualTo(empty.get(0).get("tokens"));
    }
}
