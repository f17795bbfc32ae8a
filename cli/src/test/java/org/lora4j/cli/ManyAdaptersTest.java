package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftFormat;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Files;
import org.lora4j.nn.Parameter;
import org.lora4j.train.PromptFormat;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** {@code generate} with several adapters, by name. */
class ManyAdaptersTest {

    @TempDir
    private static Path folder;

    @BeforeAll
    static void adapters() throws IOException {
        TinyModel.write(folder.resolve("tiny"));
        save("first", LoraConfig.of(2, 20).withParts("q", "v"), PromptFormat.PAIR);
        save("second", LoraConfig.of(3, 30).withParts("k", "v").withDora(true), PromptFormat.PLAIN);
    }

    private static void save(String name, LoraConfig config, PromptFormat format) {
        try (Backend backend = Backends.create("cpu")) {
            Gpt2 model = Gpt2Files.load(folder.resolve("tiny"), backend);
            LoraAdapter adapter = LoraAdapter.attach(model, config, 1);
            Random random = new Random(name.hashCode());
            for (Parameter parameter : adapter.trainable()) {
                if (!parameter.name().endsWith("vector")) {
                    backend.upload(random.doubles(parameter.size(), -1, 1).toArray(), parameter.value());
                }
            }
            PeftFormat.save(adapter, folder.resolve(name), "tiny", format.metadata());
        }
    }

    private static JsonNode texts(String... more) throws IOException {
        String[] all = new String[] {"generate", "--model", folder.resolve("tiny").toString(), "--max-new-tokens", "5", "--json"};
        String[] args = Stream.concat(Arrays.stream(all), Arrays.stream(more))
                .toArray(String[]::new);
        Run run = Run.of(args);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return JsonMapper.builder().build().readTree(run.out());
    }

    private static String named(String name, String adapter) {
        return name + "=" + folder.resolve(adapter);
    }

    private static Path file(String name, String... lines) throws IOException {
        return Files.write(folder.resolve(name), List.of(lines));
    }

    @Test
    void aFolderWithAnEqualsSignInItsNameIsAFolder(@TempDir Path here) throws IOException {
        Path adapter = Files.createDirectory(here.resolve("lr=0.01"));
        String relative = Path.of("").toAbsolutePath().relativize(adapter).toString();
        // a name has no slash: only a folder beside the user can be meant by lr=0.01, so the option is asked itself
        assertThat(NamedAdapters.areNamed(List.of(relative))).isFalse();
        Path beside = Files.createDirectory(Path.of("lr=0.01." + ProcessHandle.current().pid()));
        Path both = Path.of(beside.toString().substring(3));
        try {
            assertThat(NamedAdapters.areNamed(List.of(beside.toString()))).isFalse();
            assertThat(NamedAdapters.areNamed(List.of("x=" + beside))).isTrue();
            Files.createDirectory(both);
            assertThatThrownBy(() -> NamedAdapters.areNamed(List.of(beside.toString()))).isInstanceOf(LoraException.class)
                    .hasMessageContaining("Say --adapter ./" + beside);
        } finally {
            Files.deleteIfExists(both);
            Files.delete(beside);
        }
    }

    @Test
    void aFileSaysWhichAdapterEachPromptUses() throws IOException {
        Path prompts = file("mixed.jsonl",
                "{\"adapter\": \"b\", \"prompt\": \"the pub\"}", "", "{\"prompt\": \"a\\nriver\"}",
                "{\"adapter\": \"a\", \"prompt\": \"name : Aromi\"}", "{\"adapter\": \"b\", \"prompt\": \"the\"}");
        JsonNode mixed = texts("--adapter", named("a", "first"), "--adapter", named("b", "second"), "--prompts", prompts.toString());
        assertThat(mixed.findValuesAsText("adapter")).containsExactly("b", "base", "a", "b");
        assertThat(mixed.findValuesAsText("prompt")).containsExactly("the pub", "a\nriver", "name : Aromi", "the");
        Map<String, String> folders = Map.of("a", "first", "b", "second");
        for (JsonNode text : mixed) {
            String adapter = folders.get(text.get("adapter").asText());
            JsonNode alone = adapter == null ? texts("--prompt", text.get("prompt").asText())
                    : texts("--prompt", text.get("prompt").asText(), "--adapter", folder.resolve(adapter).toString());
            assertThat(text.get("tokens")).as(text.toString()).isEqualTo(alone.get(0).get("tokens"));
            assertThat(text.get("text")).isEqualTo(alone.get(0).get("text"));
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "3"})
    void withoutNamesEveryPromptIsGivenToEveryAdapter(int beam) throws IOException {
        Path prompts = file("plain.txt", "the pub", "a river");
        String[] args = {"--adapter", named("a", "first"), "--adapter", named("b", "second"), "--prompts", prompts.toString()};
        if (beam > 0) {
            args = Arrays.copyOf(args, args.length + 2);
            args[args.length - 2] = "--beam";
            args[args.length - 1] = Integer.toString(beam);
        }
        JsonNode texts = texts(args);
        assertThat(texts.findValuesAsText("adapter")).containsExactly("a", "b", "a", "b");
        assertThat(texts.findValuesAsText("prompt")).containsExactly("the pub", "the pub", "a river", "a river");
        assertThat(texts.get(0).has("score")).isEqualTo(beam > 0);
    }

    @Test
    void theTextsAreLabelled() {
        Run run = Run.of("generate", "--model", folder.resolve("tiny").toString(), "--max-new-tokens", "2", "--adapter",
                named("a", "first"), "--adapter", named("b", "second"), "--prompt", "the pub");
        assertThat(run.exitCode()).isZero();
        assertThat(run.out().lines()).hasSize(2);
        assertThat(run.out()).startsWith("a: ").contains("\nb: the pub");
    }

    @Test
    void jsonLinesWorkWithOneAdapterAndWithNone() throws IOException {
        Path prompts = file("alone.jsonl", "{\"prompt\": \"the pub\"}");
        assertThat(texts("--prompts", prompts.toString()).get(0).get("prompt").asText()).isEqualTo("the pub");
        assertThat(texts("--prompts", prompts.toString(), "--adapter", folder.resolve("first").toString())).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"adapter\": \"a\", \"prompt\": \"x\"};{\"adapter\": \"aa\", \"prompt\": \"x\"} | line 2 asks for adapter 'aa'",
        "{\"adapter\": \"a\", \"prompt\": \"x\"};{\"prompt\": 3}           | line 2 has prompt '3', not a text",
        "{\"adapter\": \"a\", \"prompt\": \"x\"};;{\"adapter\": \"a\"}     | line 3 has no field prompt",
        "{\"adapter\": \"a\", \"promt\": \"x\"}                            | line 1 has the field 'promt', known are adapter and prompt",
        "{\"adapter\": \"a\", \"prompt\": \"x\"};[1]                       | line 2: expected {",
        "{\"adapter\": \"a\", \"prompt\": \"x\"};a word                    | line 2: no JSON object",
        "{\"adapter\": \"a\", \"prompt\": \"x\"} {}                        | line 1 has no field prompt",
    })
    void aWrongLineIsNamed(String lines, String says) throws IOException {
        Path prompts = file("wrong.jsonl", lines.strip().split(";"));
        Run run = Run.of("generate", "--model", folder.resolve("tiny").toString(), "--adapter", named("a", "first"), "--adapter",
                named("b", "second"), "--prompts", prompts.toString());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains(says).contains("wrong.jsonl");
        assertThat(run.err().lines()).hasSize(1);
    }

    @Test
    void adaptersWithoutNamesOrWithTheSameAreWrongUse() {
        String model = folder.resolve("tiny").toString();
        String first = folder.resolve("first").toString();
        Run unnamed = Run.of("generate", "--model", model, "--adapter", named("a", "first"), "--adapter", first, "--prompt", "x");
        assertThat(unnamed.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(unnamed.err()).contains("each needs a name", "NAME=");
        Run twice = Run.of("generate", "--model", model, "--adapter", named("a", "first"), "--adapter", named("a", "second"),
                "--prompt", "x");
        assertThat(twice.exitCode()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(twice.err()).contains("there are two called a");
        Run nameless = Run.of("generate", "--model", model, "--adapter", first, "--prompts",
                folder.resolve("mixed.jsonl").toString());
        assertThat(nameless.err()).doesNotContain("Exception");
    }

    @Test
    void aNamedPromptWithoutNamedAdaptersSaysWhatToGive() throws IOException {
        Path prompts = file("named.jsonl", "{\"adapter\": \"a\", \"prompt\": \"x\"}");
        Run run = Run.of("generate", "--model", folder.resolve("tiny").toString(), "--prompts", prompts.toString());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("line 1 asks for adapter 'a'", "--adapter a=DIR");
    }
}
