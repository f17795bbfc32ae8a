package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;

class AtomicFileTest {

    @TempDir
    Path folder;

    @Test
    void theFolderIsMadeAndNothingElseIsLeftInIt() throws IOException {
        Path file = folder.resolve("runs/1/metrics.txt");
        AtomicFile.write(file, out -> out.write("one".getBytes()));
        AtomicFile.write(file, out -> out.write("two".getBytes()));
        assertThat(file).hasContent("two");
        assertThat(listing(file.getParent())).containsExactly("metrics.txt");
    }

    @Test
    void aDiskThatFillsUpLeavesTheOldFileAndNoTemporaryOne() throws IOException {
        Path file = TestFiles.write(folder.resolve("a"), "old");
        assertThatThrownBy(() -> AtomicFile.write(file, out -> {
            out.write(new byte[1 << 20]);
            throw new IOException("No space left on device");
        })).isInstanceOf(LoraException.class).hasMessage("cannot write " + file + ": No space left on device");
        assertThat(file).hasContent("old");
        assertThat(listing(folder)).containsExactly("a");
    }

    @Test
    void anExceptionOfTheCallerPassesThroughAndLeavesTheOldFile() throws IOException {
        Path file = TestFiles.write(folder.resolve("a"), "old");
        assertThatThrownBy(() -> AtomicFile.write(file, out -> {
            throw new LoraException("tensor 'w': element 1 is 1e39");
        })).hasMessage("tensor 'w': element 1 is 1e39");
        assertThat(file).hasContent("old");
        assertThat(listing(folder)).containsExactly("a");
    }

    @Test
    void theLeftoverOfAKilledWriterIsRemovedAndNothingElse() throws IOException {
        TestFiles.write(folder.resolve(".a.lora4j-deadbeef"), "half");
        TestFiles.write(folder.resolve(".b.lora4j-deadbeef"), "another file's");
        TestFiles.write(folder.resolve("a.bak"), "the user's");
        AtomicFile.write(folder.resolve("a"), out -> out.write('x'));
        assertThat(listing(folder)).containsExactly(".b.lora4j-deadbeef", "a", "a.bak");
    }

    @Test
    void ofTwoWritersOfOneFileTheLaterWinsAndTheFileIsComplete() {
        Path file = folder.resolve("a");
        assertThatThrownBy(() -> AtomicFile.write(file, first -> {
            first.write('1');
            AtomicFile.write(file, second -> second.write("two".getBytes()));
        })).isInstanceOf(LoraException.class).hasMessageStartingWith("cannot write " + file);
        assertThat(file).hasContent("two");
    }

    @Test
    void throughASymbolicLinkTheFileBehindItIsReplaced() throws IOException {
        Path real = TestFiles.write(folder.resolve("real"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link"), real);
        AtomicFile.write(link, out -> out.write("new".getBytes()));
        assertThat(Files.isSymbolicLink(link)).isTrue();
        assertThat(real).hasContent("new");
    }

    @Test
    void placesThatCannotBeWrittenGetOneLine() throws IOException {
        assertThatThrownBy(() -> AtomicFile.write(folder, out -> { })).isInstanceOf(LoraException.class)
                .hasMessage("cannot write " + folder + ": it is a folder, expected a file");
        Path file = TestFiles.write(folder.resolve("file"), "");
        assertThatThrownBy(() -> AtomicFile.write(file.resolve("inside"), out -> { })).isInstanceOf(LoraException.class)
                .hasMessage("cannot write " + file.resolve("inside") + ": " + file + " is a file where a folder is needed");

        Path locked = Files.createDirectory(folder.resolve("locked"));
        assumeFalse(!locked.toFile().setWritable(false) || Files.isWritable(locked), "root may write anywhere");
        assertThatThrownBy(() -> AtomicFile.write(locked.resolve("a"), out -> { })).isInstanceOf(LoraException.class)
                .hasMessageContaining("permission denied");
    }

    static Stream<String> names(Path folder) throws IOException {
        return Files.list(folder).map(file -> file.getFileName().toString()).sorted();
    }

    private static java.util.List<String> listing(Path folder) throws IOException {
        try (Stream<String> names = names(folder)) {
            return names.toList();
        }
    }
}
