package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.tokenizer.Tokenizer;

/** What {@code generate} draws, where it stops, and how it appears. */
class GenerateCommandTest {

    @TempDir
    Path folder;

    private static Run generate(String... arguments) {
        List<String> all = new ArrayList<>(List.of("generate", "--model", "base-6m"));
        all.addAll(List.of(arguments));
        return Run.of(all.toArray(String[]::new));
    }

    private static JsonNode json(String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--json");
        Run run = generate(all.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        return new ObjectMapper().readTree(run.out());
    }

    @Test
    void aTextAppearsWhileItIsWritten() {
        List<String> parts = Collections.synchronizedList(new ArrayList<>());
        ByteArrayOutputStream out = new ByteArrayOutputStream() {
            @Override
            public void flush() {
                if (size() > 0) {
                    parts.add(toString(StandardCharsets.UTF_8));
                }
            }
        };
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Main.run(new PrintStream(out, false, StandardCharsets.UTF_8), Run.stream(err), "generate", "--model", "base-6m",
                "--prompt", "Once upon a time", "--prompt", "The sea", "--max-new-tokens", "30");
        String whole = out.toString(StandardCharsets.UTF_8);
        assertThat(whole.lines()).hasSizeGreaterThanOrEqualTo(2);
        assertThat(parts.stream().distinct().count()).as("%s", parts).isGreaterThan(15);
        assertThat(parts).allMatch(whole::startsWith);
        assertThat(parts.getFirst()).isEqualTo("Once upon a time");
        Run alone = generate("--prompt", "The sea", "--max-new-tokens", "30");
        assertThat(whole).endsWith("\n" + alone.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"--max-new-tokens 12", "--max-new-tokens 1", "--max-new-tokens 12 --beam 3",
        "--max-new-tokens 1 --beam 3"})
    void aCompletionIsPrintedAsJsonHasIt(String options) throws IOException {
        List<String> asked = new ArrayList<>(List.of("--prompt-format", "pair", "--prompt", "name : Blue Spice | Type : pub"));
        asked.addAll(List.of(options.split(" ")));
        String text = json(asked.toArray(String[]::new)).get(0).get("text").asText();
        assertThat(text).isNotBlank();
        assertThat(generate(asked.toArray(String[]::new)).out()).isEqualToNormalizingNewlines(text + "\n");
    }

    @Test
    void aStopStringEndsATextAndIsNotPartOfIt() throws IOException {
        String[] prompt = {"--prompt", "Once upon a time", "--max-new-tokens", "30"};
        JsonNode free = json(prompt).get(0);
        assertThat(free.get("end").asText()).isEqualTo("length");
        String text = free.get("text").asText();
        String stop = text.substring(11, 14);
        String[] until = {"--prompt", "Once upon a time", "--max-new-tokens", "30", "--stop", "nowhere in it", "--stop", stop};
        JsonNode stopped = json(until).get(0);
        assertThat(stopped.get("text").asText()).isEqualTo(text.substring(0, text.indexOf(stop)));
        assertThat(stopped.get("end").asText()).isEqualTo("stop_string");
        assertThat(stopped.get("tokens").size()).isLessThan(free.get("tokens").size());
        assertThat(generate(until).out()).isEqualTo("Once upon a time" + stopped.get("text").asText() + System.lineSeparator());
    }

    @Test
    void samplesDifferAndNoDrawOfOneSeedIsAnothers() throws IOException {
        List<String> lines = Collections.nCopies(40, "The house");
        Path file = Files.write(folder.resolve("prompts.txt"), lines);
        Set<String> texts = new HashSet<>();
        for (String seed : List.of("0", "1", "2")) {
            for (JsonNode result : json("--prompts", file.toString(), "--temperature", "3", "--max-new-tokens", "6", "--seed", seed)) {
                texts.add(result.get("text").asText());
            }
        }
        assertThat(texts).hasSize(120);
        JsonNode samples = json("--prompt", "The house", "--temperature", "3", "--max-new-tokens", "6", "--samples", "5");
        assertThat(samples).hasSize(5);
        Set<String> different = new HashSet<>();
        samples.forEach(result -> different.add(result.get("text").asText()));
        assertThat(different).hasSize(5);
        assertThat(samples.get(4).get("sample").asInt()).isEqualTo(4);
        JsonNode one = json("--prompt", "The house", "--temperature", "3", "--max-new-tokens", "6");
        assertThat(one.get(0).get("text")).as("the first of several is the only one").isEqualTo(samples.get(0).get("text"));
        assertThat(texts).contains(one.get(0).get("text").asText());
    }

    @Test
    void aCompletionThatIsSearchedForEndsAtABlankLine() throws IOException {
        Tokenizer tokenizer = ByteLevelBpe.load(EmbeddedBase.folder());
        Path model = TinyModel.preferring(folder.resolve("model"), tokenizer.encode("\n")[0], tokenizer.encode("a")[0]);
        Run run = Run.of("generate", "--model", model.toString(), "--prompt", "x", "--prompt-format", "pair", "--beam", "3",
                "--no-repeat-ngram", "3", "--max-new-tokens", "9", "--json");
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.OK);
        JsonNode result = new ObjectMapper().readTree(run.out()).get(0);
        int[] tokens = new ObjectMapper().treeToValue(result.get("tokens"), int[].class);
        assertThat(tokenizer.decode(tokens)).contains("\n\n").contains("a");
        assertThat(result.get("text").asText()).isEqualTo(TextDecoding.text(tokenizer, tokens));
        assertThat(result.get("end").asText()).isEqualTo("length");
    }

    @Test
    void aPenaltyForRepetitionLeavesLessOfIt() throws IOException {
        long free = distinct(json("--prompt", "name : Blue Spice", "--max-new-tokens", "40"));
        long ruled = distinct(json("--prompt", "name : Blue Spice", "--max-new-tokens", "40", "--repetition-penalty", "1.5"));
        assertThat(ruled).isGreaterThan(free);
    }

    private static long distinct(JsonNode results) {
        Set<Integer> ids = new HashSet<>();
        results.get(0).get("tokens").forEach(id -> ids.add(id.intValue()));
        return ids.size();
    }

    @Test
    void anEmptyPromptBeginsWhereEveryTextBegins() throws IOException {
        JsonNode empty = json("--prompt", "", "--max-new-tokens", "8");
        assertThat(empty.get(0).get("tokens")).isNotEmpty();
        assertThat(generate("--prompt", "", "--max-new-tokens", "8").out().strip())
                .isEqualTo(empty.get(0).get("text").asText().strip());
    }

    @Test
    void aPromptThatIsTooLongIsNamedBeforeAnythingIsWritten() throws IOException {
        Path file = Files.write(folder.resolve("prompts.txt"), List.of("fine", "", "word ".repeat(900), "fine too"));
        Run run = generate("--prompts", file.toString());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("line 3 has ", "positions");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--max-new-tokens 2147483647 | positions",
        "--max-new-tokens 2147483647 --beam 2 | positions",
        "--max-new-tokens 2147483647 --temperature 1 --samples 3 | positions",
    })
    void moreTokensThanThereArePositionsAreRefused(String options, String says) {
        List<String> all = new ArrayList<>(List.of("--prompt", "x"));
        all.addAll(List.of(options.split(" ")));
        Run run = generate(all.toArray(String[]::new));
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains(says).doesNotContain("mistake");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--beam 100000 | expected 1 to 1000",
        "--beam 2147483647 | expected 1 to 1000",
        "--samples 2 | without --temperature",
        "--samples 0 --temperature 1 | --samples 0",
        "--beam 2 --samples 2 | --beam and --samples",
        "--beam 2 --stop x | --beam and --stop",
        "--beam 2 --repetition-penalty 2 | --beam and --repetition-penalty",
        "--min-p 1.5 --temperature 1 | --min-p 1.5",
        "--repetition-penalty 0 | --repetition-penalty 0",
        "--min-new-tokens -1 | --min-new-tokens -1",
        "--min-new-tokens 65 | --min-new-tokens 65",
    })
    void whatMakesNoSenseIsWrongUse(String options, String says) {
        List<String> all = new ArrayList<>(List.of("--prompt", "x"));
        all.addAll(List.of(options.split(" ")));
        Run run = generate(all.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isEqualTo(ExitCode.WRONG_USE);
        assertThat(run.err()).contains(says);
    }
}
