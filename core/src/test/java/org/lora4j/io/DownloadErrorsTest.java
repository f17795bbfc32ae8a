package org.lora4j.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.adapters.AdapterFiles;
import org.lora4j.io.gguf.GgufFile;
import org.lora4j.io.torch.TorchFile;

/** What a clone without LFS, or a server, leaves in the place of a file. */
class DownloadErrorsTest {

    private static final String POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:"
            + "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"<!DOCTYPE html>\n<html>", "\uFEFF  <!doctype HTML PUBLIC '-//W3C'>", "<html lang=\"en\"><head>",
        "<!-- served by x --> <HTML>", "<?xml version=\"1.0\"?><!DOCTYPE html SYSTEM 'x'><html xmlns='y'>", "<head><title>Log in"})
    void aPageIsCalledAPageByEveryReader(String page) {
        everyReaderSays(page, "is an HTML page, not the file itself");
    }

    @Test
    void aPointerIsCalledAPointerByEveryReader() {
        everyReaderSays(POINTER, "is a Git LFS pointer, not the file itself; fetch it with git lfs pull");
    }

    @Test
    void aServersErrorIsCalledOne() {
        everyReaderSays("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is an XML page");
    }

    @Test
    void ordinaryBeginningsAreLeftToTheirReaders() {
        for (String text : new String[] {"", "{}", "version 1", "#version: 0.2\nh e", "<|endoftext|>", "<a b", "<htm", "GGUF"}) {
            assertThat(DownloadErrors.describe(text.getBytes(StandardCharsets.UTF_8))).as(text).isEmpty();
        }
    }

    private void everyReaderSays(String content, String expected) {
        String name = folder.toString();
        Path tensors = TestFiles.write(folder.resolve("adapter_model.safetensors"), content);
        assertThatThrownBy(() -> Safetensors.open(tensors)).isInstanceOf(FormatException.class)
                .hasMessageStartingWith(name).hasMessageContaining(expected);
        assertThatThrownBy(() -> TensorFiles.open(folder, TensorFiles.ADAPTER)).hasMessageContaining(expected);
        Path file = TestFiles.write(folder.resolve("any"), content);
        assertThatThrownBy(() -> TorchFile.open(file)).isInstanceOf(FormatException.class).hasMessageContaining(expected);
        assertThatThrownBy(() -> GgufFile.open(file)).isInstanceOf(FormatException.class).hasMessageContaining(expected);
        assertThatThrownBy(() -> AdapterFiles.formatOf(file)).isInstanceOf(FormatException.class).hasMessageContaining(expected);
        assertThatThrownBy(() -> JsonFile.read(file)).isInstanceOf(FormatException.class).hasMessageContaining(expected);
        assertThatThrownBy(() -> ShardedTensors.open(file)).isInstanceOf(FormatException.class).hasMessageContaining(expected);
    }
}
