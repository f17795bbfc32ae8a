package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real run on real words: base-6m learns a hundred chats, and then answers in their form. */
class ChatCommandTest {

    @TempDir
    private static Path folder;

    private static final String SERVES = ".+ serves \\w+ food\\.";
    private static final String WISHES = "Enjoy your meal at .+!";

    private static Run trained;

    /** A hundred chats of two turns: a question is answered with what is served, and thanks with a wish. */
    @BeforeAll
    static void trainOnAHundredChats() throws IOException {
        List<String> names = List.of("Aromi", "Blue Spice", "The Mill", "Zizzi", "Clowns");
        List<String> foods = List.of("Italian", "French", "Chinese", "English", "Indian");
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            String name = names.get(i % 5);
            String food = foods.get(i / 5 % 5);
            lines.add("""
                    {"messages": [{"role": "user", "content": "%s food?"}, {"role": "assistant", "content": "%s serves %s food."}, \
                    {"role": "user", "content": "Thanks"}, {"role": "assistant", "content": "Enjoy your meal at %s!"}]}"""
                    .formatted(name, name, food, name));
        }
        Path file = Files.write(folder.resolve("chats.jsonl"), lines);
        trained = Run.of("train", "--model", "base-6m", "--data", file.toString(), "--lr", "1e-2", "--steps", "50", "--batch", "8", "--out", folder.resolve("kind").toString(), "--json");
        assertThat(trained.exitCode()).as(trained.err()).isZero();
    }

    private static Run chat(String said, String... more) {
        List<String> arguments = new ArrayList<>(List.of("chat", "--model", "base-6m"));
        arguments.addAll(List.of(more));
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream(said.getBytes(StandardCharsets.UTF_8)));
        try {
            return Run.of(arguments.toArray(String[]::new));
        } finally {
            System.setIn(before);
        }
    }

    private static String adapter() {
        return folder.resolve("kind").toString();
    }

    private static double loss(String... more) {
        List<String> arguments = new ArrayList<>(List.of("evaluate", "--model", "base-6m", "--data",
                folder.resolve("chats.jsonl").toString(), "--split", "train", "--examples", "16"));
        arguments.addAll(List.of(more));
        Run run = Run.of(arguments.toArray(String[]::new));
        assertThat(run.exitCode()).as(run.err()).isZero();
        return Double.parseDouble(run.out().replaceAll("(?s)loss (\\S+) .*", "$1"));
    }

    @Test
    void itAnswersInTheFormAndRemembersWhatWasSaid() {
        Run run = chat("Aromi food?\nThanks\n", "--adapter", adapter());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out().lines().toList()).hasSize(2).satisfies(lines -> {
            assertThat(lines.get(0)).matches(SERVES);
            assertThat(lines.get(1)).matches(WISHES);
        });
        assertThat(loss("--adapter", adapter())).isLessThan(0.25 * loss()); // 4.1 nats before, some 0.1 after
    }

    @Test
    void theRunSaysThatItTookTheStandardForm() {
        assertThat(trained.err()).contains("the model has no chat template: chats are written in a standard form");
    }

    @Test
    void adaptersAreSwitchedAndHistoryIsForgotten() {
        Run run = chat("""
                /adapter
                Zizzi food?
                /adapter base
                /reset
                /adapter nobody
                /system Be brief.
                /nonsense
                /help
                /adapter kind
                Thanks
                /quit
                Zizzi food?
                """, "--adapter", adapter());
        assertThat(run.exitCode()).as(run.err()).isZero();
        List<String> lines = run.out().lines().toList();
        assertThat(lines).hasSize(2);
        assertThat(lines.getFirst()).matches(SERVES);
        assertThat(lines.getLast()).as("nobody asked for food").doesNotMatch(SERVES);
        assertThat(run.err()).contains("adapter: kind; there are kind and base", "now: base", "forgotten",
                "no adapter is called 'nobody'; there are kind and base", "instructions: Be brief.", "'/nonsense' is no command",
                "/quit          ends", "now: kind");
    }

    @Test
    void aLineThatEndsWithABackslashGoesOnAndStopStringsEndAnAnswer() {
        Run run = chat("Aromi \\\nfood?\n", "--adapter", adapter(), "--stop", " food");
        assertThat(run.out()).matches(".+ serves \\w+\\R");
    }

    @Test
    void chatsOfAFileAreAnswered() throws IOException {
        Path file = Files.writeString(folder.resolve("asked.jsonl"), """
                {"messages": [{"role": "user", "content": "The Mill food?"}]}
                {"messages": [{"role": "user", "content": "Clowns food?"}, {"role": "assistant", "content": "Clowns serves French food."}, \
                {"role": "user", "content": "Thanks"}, {"role": "assistant", "content": "left out"}]}
                """);
        Run run = Run.of("generate", "--model", "base-6m", "--adapter", adapter(), "--messages", file.toString());
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out().lines().toList()).satisfiesExactly(
                first -> assertThat(first).matches(SERVES),
                second -> assertThat(second).matches(WISHES));
        assertThat(Run.of("generate", "--model", "base-6m", "--adapter", adapter(), "--prompt", "Aromi food?").out())
                .as("an adapter that was trained on chats takes a prompt as one").matches(SERVES + "\\R");
    }

    @Test
    void aFileThatHoldsNoChatIsRefused() throws IOException {
        Path file = Files.writeString(folder.resolve("none.jsonl"), "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}");
        Run run = Run.of("generate", "--model", "base-6m", "--messages", file.toString());
        assertThat(run.exitCode()).isEqualTo(ExitCode.FAILURE);
        assertThat(run.err()).contains("--messages " + file + ", line 1: there is no message to answer").hasLineCount(1);
    }

    @Test
    void optionsThatMakeNoSenseAreWrongUse() {
        assertThat(chat("", "--max-new-tokens", "0").err()).contains("--max-new-tokens 0: expected at least 1");
        assertThat(chat("", "--temperature", "-1").err()).contains("--temperature -1.0: expected 0 (greedy)");
        assertThat(chat("", "--stop", "").err()).contains("--stop \"\"");
    }
}
