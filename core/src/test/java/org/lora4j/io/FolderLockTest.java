package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;

class FolderLockTest {

    @TempDir
    private Path temp;

    @Test
    void aFolderIsGivenToOneAtATimeByWhateverName() throws IOException {
        Path folder = Files.createDirectory(temp.resolve("run"));
        Path link = Files.createSymbolicLink(temp.resolve("link"), folder);
        try (FolderLock lock = FolderLock.take(folder)) {
            for (Path name : new Path[] {folder, link, temp.resolve("link/../run"), Path.of(folder + "/")}) {
                assertThatThrownBy(() -> FolderLock.take(name)).isInstanceOf(LoraException.class)
                        .hasMessageContaining("another lora4j").hasMessageContaining("Choose another folder");
            }
        }
        FolderLock.take(link).close();
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatAKilledProcessLeftBlocksNobody() throws IOException {
        Files.writeString(temp.resolve(FolderLock.FILE_NAME), "4711\n");
        FolderLock.take(temp).close();
        assertThat(temp).isEmptyDirectory();
    }

    @Test
    void aFolderMadeForNothingGoesAgain() throws IOException {
        FolderLock.take(temp.resolve("a/b")).close();
        assertThat(temp).isEmptyDirectory();
        try (FolderLock lock = FolderLock.take(temp.resolve("a/b"))) {
            Files.writeString(temp.resolve("a/b/adapter"), "");
        }
        assertThat(temp.resolve("a/b")).isDirectoryContaining("glob:**/adapter");
    }
}
