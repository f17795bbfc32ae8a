package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.adapters.PeftConfig;

class AtomicFolderTest {

    private static final List<String> SET = List.of("a.json", "b.safetensors", "c.txt");

    @TempDir
    Path folder;

    private static void writeSet(Path folder, String content) {
        AtomicFolder.write(folder, staging -> {
            for (String name : SET) {
                Files.writeString(staging.resolve(name), content);
            }
        });
    }

    @Test
    void theFolderIsMadeAndHoldsTheSetAndNothingElse() throws IOException {
        Path adapter = folder.resolve("runs/adapter");
        writeSet(adapter, "one");
        writeSet(adapter, "two");
        assertHolds(adapter, "two");
        try (var names = AtomicFileTest.names(adapter)) {
            assertThat(names).containsExactlyElementsOf(SET);
        }
    }

    @Test
    void otherFilesOfTheFolderAreLeftAlone() {
        TestFiles.write(folder.resolve("notes.md"), "mine");
        writeSet(folder, "new");
        assertHolds(folder, "new");
        assertThat(folder.resolve("notes.md")).hasContent("mine");
    }

    @Test
    void aFailureHalfWayLeavesTheOldSet() throws IOException {
        writeSet(folder, "old");
        assertThatThrownBy(() -> AtomicFolder.write(folder, staging -> {
            Files.writeString(staging.resolve("a.json"), "new");
            throw new IOException("No space left on device");
        })).isInstanceOf(LoraException.class).hasMessage("cannot write " + folder + ": No space left on device");
        assertHolds(folder, "old");
        assertThat(folder.resolve(AtomicFolder.STAGED)).doesNotExist();
    }

    @Test
    void aKillWhileStagingLeavesTheOldSetAndTheNextWriteCleansUp() throws IOException {
        writeSet(folder, "old");
        Path staged = Files.createDirectory(folder.resolve(AtomicFolder.STAGED));
        TestFiles.write(staged.resolve("a.json"), "half");
        AtomicFolder.recover(folder);
        assertHolds(folder, "old");
        writeSet(folder, "new");
        assertHolds(folder, "new");
        assertThat(staged).doesNotExist();
    }

    @ParameterizedTest(name = "after {0} of 3 files")
    @ValueSource(ints = {0, 1, 2, 3})
    void aKillWhileMovingIsFinishedByTheNextReader(int moved) throws IOException {
        writeSet(folder, "old");
        Path committed = Files.createDirectory(folder.resolve(AtomicFolder.COMMITTED));
        for (int i = 0; i < SET.size(); i++) {
            TestFiles.write((i < moved ? folder : committed).resolve(SET.get(i)), "new");
        }
        AtomicFolder.recover(folder);
        assertHolds(folder, "new");
        assertThat(committed).doesNotExist();
    }

    @Test
    void aKillWhileMovingIsFinishedByTheNextWriterBeforeItsOwnWork() throws IOException {
        Path committed = Files.createDirectory(folder.resolve(AtomicFolder.COMMITTED));
        TestFiles.write(committed.resolve("other"), "new");
        writeSet(folder, "newer");
        assertHolds(folder, "newer");
        assertThat(folder.resolve("other")).hasContent("new");
    }

    @Test
    void readersOfAdaptersAndModelsRecoverThemselves() throws IOException {
        Path committed = Files.createDirectory(folder.resolve(AtomicFolder.COMMITTED));
        PeftConfig.create(4, 8).write(committed.resolve("adapter_config.json"));
        new SafetensorsWriter().write(committed.resolve("adapter_model.safetensors"));
        assertThat(PeftConfig.read(folder).r()).isEqualTo(4);
        TensorFiles.open(folder, TensorFiles.ADAPTER).close();
    }

    @Test
    void aLinkThatPosesAsCommittedFilesIsNotFollowed() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        TestFiles.write(elsewhere.resolve("private"), "mine");
        Path adapter = Files.createDirectory(folder.resolve("adapter"));
        Files.createSymbolicLink(adapter.resolve(AtomicFolder.COMMITTED), elsewhere);
        AtomicFolder.recover(adapter);
        assertThat(elsewhere.resolve("private")).hasContent("mine");
        assertThat(adapter.resolve("private")).doesNotExist();
    }

    @Test
    void aSetMayHoldFilesOnlyAndNotTakeAFoldersPlace() throws IOException {
        assertThatThrownBy(() -> AtomicFolder.write(folder, staging -> Files.createDirectory(staging.resolve("sub"))))
                .isInstanceOf(LoraException.class).hasMessageContaining("a set of files has no folders or links in it");
        Files.createDirectory(folder.resolve("a.json"));
        assertThatThrownBy(() -> writeSet(folder, "new")).isInstanceOf(LoraException.class)
                .hasMessageEndingWith("a.json is a folder there, expected a file");
        assertThat(folder.resolve("b.safetensors")).doesNotExist();
    }

    /** A child process writes set after set; it is killed at some moment, and what it leaves is one whole set. */
    @Test
    @Timeout(60)
    void aKillAtAnyMomentLeavesOneWholeSet() throws Exception {
        for (int round = 0; round < 6; round++) {
            Process writer = new ProcessBuilder(System.getProperty("java.home") + "/bin/java", "-cp",
                    System.getProperty("java.class.path"), Writer.class.getName(), folder.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start();
            assertThat(writer.getInputStream().read()).as("the writer has started").isEqualTo('!');
            Thread.sleep(37 * round);
            writer.destroyForcibly();
            assertThat(writer.waitFor(20, TimeUnit.SECONDS)).isTrue();

            AtomicFolder.recover(folder);
            String content = Files.readString(folder.resolve(SET.get(0)));
            assertThat(content).isNotEmpty();
            assertHolds(folder, content);
        }
    }

    static final class Writer {
        public static void main(String[] folder) {
            for (int number = 0;; number++) {
                writeSet(Path.of(folder[0]), String.valueOf(number).repeat(10_000));
                if (number == 0) {
                    System.out.print('!');
                    System.out.flush();
                }
            }
        }
    }

    private static void assertHolds(Path folder, String content) {
        for (String name : SET) {
            assertThat(folder.resolve(name)).as(name).hasContent(content);
        }
    }
}
