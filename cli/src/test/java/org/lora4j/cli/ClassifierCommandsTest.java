package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Train, evaluate, predict: classifiers on the command line, from files to labels. */
class ClassifierCommandsTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> GOOD = List.of("good", "great", "fine");
    private static final List<String> BAD = List.of("bad", "poor", "dull");

    @TempDir
    private Path folder;
    private String bert;

    @BeforeEach
    void writeModel() throws IOException {
        bert = TinyBert.write(folder.resolve("bert")).toString();
    }

    /** 60 reviews whose one word says all. */
    private static Stream<String> reviews(String row, String good, String bad) {
        return IntStream.range(0, 60).mapToObj(i -> row.formatted(
                "the %s %s %s".formatted(i % 4 < 2 ? "film" : "book", i % 3 == 0 ? "is" : "was", (i % 2 == 0 ? GOOD : BAD).get(i / 2 % 3)),
                i % 2 == 0 ? good : bad));
    }

    private Path file(String name, Stream<String> lines) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, (Iterable<String>) lines::iterator);
    }

    private Path sst2() throws IOException {
        file("glue/SST-2/train.tsv", Stream.concat(Stream.of("sentence\tlabel"), reviews("%s\t%s", "1", "0")));
        file("glue/SST-2/dev.tsv", Stream.concat(Stream.of("sentence\tlabel"), reviews("%s\t%s", "1", "0").limit(24)));
        return folder.resolve("glue");
    }

    private Run train(String... more) {
        return Run.of(Stream.concat(Stream.of("train", "--model", bert, "-q", "--batch", "10", "--epochs", "40", "--lr", "1e-2",
                "--warmup", "0", "--base-dropout", "0", "--head-dropout", "0"), Stream.of(more)).toArray(String[]::new));
    }

    private static JsonNode json(Run run) throws IOException {
        assertThat(run.err()).as(run.err()).doesNotContain("lora4j: ");
        assertThat(run.exitCode()).isZero();
        return JSON.readTree(run.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"lora", "full", "bitfit", "top:1", "houlsby:4"})
    void aTaskOfGlueIsLearntByEachMethodMeasuredAndUsed(String method) throws IOException {
        Path glue = sst2();
        Path out = folder.resolve("out");

        JsonNode trained = json(train("--task", "sst2", "--data", glue.toString(), "--method", method, "--evaluate-every", "40",
                "--out", out.toString(), "--json"));
        List<String> use = List.of("lora", "houlsby:4").contains(method) ? List.of("--model", bert, "--adapter", out.toString()) : List.of("--model", out.toString());
        JsonNode measured = json(run("evaluate", use, "--task", "sst2", "--data", glue.toString(), "--json"));
        Run predicted = run("predict", use, "--text", "the book is great", "--text", "the film was dull");

        assertThat(trained.path("dev_accuracy").asDouble()).isGreaterThanOrEqualTo(0.9);
        assertThat(measured.path("accuracy").asDouble()).isEqualTo(trained.path("dev_accuracy").asDouble());
        assertThat(measured.path("confusion").get(0).get(0).asInt() + measured.path("confusion").get(1).get(1).asInt())
                .isEqualTo((int) Math.round(24 * measured.path("accuracy").asDouble()));
        List<JsonNode> lines = predicted.out().lines().map(ClassifierCommandsTest::tree).toList();
        assertThat(lines).extracting(line -> line.path("label").asText()).containsExactly("positive", "negative");
        assertThat(lines.getFirst().path("probabilities").path("positive").asDouble()
                + lines.getFirst().path("probabilities").path("negative").asDouble()).isCloseTo(1, within(1e-12)); // two roundings
        assertThat(Files.readString(out.resolve("report.html"))).contains("Confusion", "The hardest texts", "negative");
    }

    private static JsonNode tree(String line) {
        try {
            return JSON.readTree(line);
        } catch (IOException e) {
            throw new IllegalArgumentException(line, e);
        }
    }

    private Run run(String command, List<String> use, String... more) {
        return Run.of(Stream.of(Stream.of(command, "-q"), use.stream(), Stream.of(more)).flatMap(s -> s).toArray(String[]::new));
    }

    @Test
    void textsOfOnesOwnAreLearntFromACsvWithColumnsOfAnyName() throws IOException {
        Path train = file("train.csv", Stream.concat(Stream.of("id;what;how"), reviews("7;%s;%s", "yes", "no")));
        Path dev = file("dev.jsonl", reviews("{\"what\": \"it %s\", \"how\": \"%s\"}", "yes", "no").limit(20));
        Path out = folder.resolve("out");
        String[] columns = {"--text-column", "what", "--label-column", "how"};

        Run trained = train(Stream.concat(Stream.of("--task", "classification", "--data", train.toString(), "--dev", dev.toString(),
                "--out", out.toString()), Stream.of(columns)).toArray(String[]::new));
        Run predicted = Run.of("predict", "-q", "--model", bert, "--adapter", out.toString(), "--data", dev.toString(),
                "--text-column", "what");

        assertThat(trained.err()).isEmpty();
        assertThat(trained.out()).contains("Accuracy", "F1        ", "Adapter   " + out);
        assertThat(predicted.out().lines()).hasSize(20);
        assertThat(tree(predicted.out().lines().findFirst().orElseThrow()).path("label").asText()).isEqualTo("yes");
    }

    @Test
    void numbersAreARegression() throws IOException {
        Path data = file("scores.tsv", Stream.concat(Stream.of("sentence1\tsentence2\tscore"),
                reviews("%s\tthe film\t%s", "4.5", "0.25")));
        Path out = folder.resolve("out");

        Run trained = train("--task", "regression", "--data", data.toString(), "--dev", data.toString(), "--out", out.toString(), "--json");
        Run predicted = Run.of("predict", "-q", "--model", bert, "--adapter", out.toString(), "--text", "the film was great",
                "--second", "the film");

        assertThat(json(trained).path("dev_pearson").asDouble()).isGreaterThan(0.9);
        assertThat(tree(predicted.out()).path("value").asDouble()).isBetween(3.0, 6.0);
    }

    @Test
    void anAdapterOfAnotherTaskIsBegunWithAndGetsANewHead() throws IOException {
        Path glue = sst2();
        file("glue/STS-B/train.tsv", Stream.concat(Stream.of("sentence1\tsentence2\tscore"), reviews("%s\tthe film\t%s", "5", "0.5")));
        Path first = folder.resolve("first");
        train("--task", "sst2", "--data", glue.toString(), "--out", first.toString());

        Run second = Run.of("train", "--model", bert, "--task", "stsb", "--data", glue.toString(), "--adapter", first.toString(),
                "--epochs", "1", "--out", folder.resolve("second").toString());

        assertThat(second.exitCode()).as(second.err()).isZero();
        assertThat(second.err()).contains("its head is for 2 labels (negative and positive) and is left out");
    }

    @Test
    void aPoolerThatNobodyHasTrainedTrainsAndTravelsWithTheAdapter() throws IOException {
        String base = TinyBert.withoutPooler(folder.resolve("masked")).toString();
        Path glue = sst2();
        Path out = folder.resolve("out");

        JsonNode trained = json(Run.of("train", "-q", "--model", base, "--task", "sst2", "--data", glue.toString(), "--epochs", "20",
                "--batch", "10", "--lr", "1e-2", "--seed", "5", "--out", out.toString(), "--json"));
        JsonNode measured = json(Run.of("evaluate", "-q", "--model", base, "--adapter", out.toString(), "--task", "sst2", "--data",
                glue.toString(), "--json"));

        assertThat(Files.readString(out.resolve("adapter_config.json"))).contains("pooler.dense");
        assertThat(measured.path("accuracy").asDouble()).isEqualTo(trained.path("dev_accuracy").asDouble());
    }

    @Test
    void aRecipeSetsWhatIsNotGiven() throws IOException {
        Path out = folder.resolve("out");

        Run run = Run.of("train", "--model", bert, "--task", "sst2", "--data", sst2().toString(), "--recipe", "roberta-large",
                "--epochs", "1", "--batch", "20", "--out", out.toString());

        assertThat(run.err()).contains("--recipe roberta-large (table 9): --lr 4.0E-4 --max-length 128 --rank 8 --alpha 16 --warmup-ratio 0.06");
        assertThat(run.out()).contains("LoRA r 8, alpha 16");
        assertThat(Files.readString(out.resolve("report.html"))).contains("r 8, alpha 16, on q and v");
    }

    @Test
    void textsThatAreTooLongAreCutAndCounted() throws IOException {
        Path data = file("train.jsonl", Stream.concat(reviews("{\"text\": \"%s\", \"label\": \"%s\"}", "yes", "no").limit(9),
                Stream.of("{\"text\": \"" + "so ".repeat(40) + "\", \"label\": \"no\"}")));

        Run run = train("--task", "classification", "--data", data.toString(), "--out", folder.resolve("out").toString());

        assertThat(run.err()).contains("1 of 10 train texts has more than " + TinyBert.POSITIONS + " tokens and was cut: " + data + ", line 10");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "--task sst3|--task 'sst3': expected one of completion, classification",
        "--task sst2 --samples 3|--samples: --task SST-2 has no such option, it is for pairs",
        "--label-column x|--label-column: training on pairs has no such option",
        "--task rte --recipe roberta|expected one of roberta-base",
        "--task wnli --recipe roberta-base|the paper has no results of WNLI",
        "--task classification --recipe roberta-base|recipes are of GLUE's tasks",
        "--task sst2 --max-length 2|--max-length 2: expected at least 3",
        "--task sst2 --head-dropout 1|--head-dropout 1.0: expected 0 or more and below 1",
        "--task sst2 --adapter x --method full|--adapter x --method full: an adapter goes on with lora alone",
        "--task sst2 --adapter x --rank 3|--rank: --adapter has no such option, it is for a new one",
        "--task sst2 --warmup 3 --warmup-ratio 0.1|--warmup 3 --warmup-ratio 0.1: expected one of the two",
    })
    void whatMakesNoSenseIsWrongUse(String optionsAndMessage) {
        String[] parts = optionsAndMessage.split("\\|");
        Run run = Run.of(Stream.concat(Stream.of("train", "--model", bert, "--data", folder.toString(), "--out", folder + "/out"),
                Stream.of(parts[0].split(" "))).toArray(String[]::new));

        assertThat(run.err()).contains(parts[1]);
        assertThat(run.exitCode()).isEqualTo(ExitCode.WRONG_USE);
    }

    @Test
    void aModelWithoutAHeadPredictsNothing() {
        Run run = Run.of("predict", "--model", bert, "--text", "the film is good");

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.out()).isEmpty();
        assertThat(run.err()).contains("so its scores would be noise", "--adapter");
    }

    @Test
    void aLabelThatTrainingDoesNotHaveIsNamedWithItsLine() throws IOException {
        Path data = file("train.jsonl", reviews("{\"text\": \"%s\", \"label\": \"%s\"}", "yes", "no"));
        Path dev = file("dev.jsonl", Stream.of("{\"text\": \"a\", \"label\": \"yes\"}", "", "{\"text\": \"a\", \"label\": \"yess\"}"));

        Run run = train("--task", "classification", "--data", data.toString(), "--dev", dev.toString(), "--out", folder + "/out");

        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains(dev + ", line 3: has the label 'yess', which the training data does not have; there is yes (nearest)");
    }

    @Test
    void aTrainedClassifierIsReplacedOnlyWhenAsked() throws IOException {
        String glue = sst2().toString();
        String[] command = {"--task", "sst2", "--data", glue, "--method", "bitfit", "--epochs", "1", "--out", folder + "/out"};
        assertThat(Run.of(Stream.concat(Stream.of("train", "-q", "--model", bert), Stream.of(command)).toArray(String[]::new)).exitCode()).isZero();

        Run again = Run.of(Stream.concat(Stream.of("train", "-q", "--model", bert), Stream.of(command)).toArray(String[]::new));
        Run replaced = Run.of(Stream.concat(Stream.of("train", "-q", "--overwrite", "--model", bert), Stream.of(command)).toArray(String[]::new));

        assertThat(again.err()).contains("holds a trained model already");
        assertThat(replaced.exitCode()).as(replaced.err()).isZero();
    }
}
