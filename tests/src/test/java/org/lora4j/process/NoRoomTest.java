package org.lora4j.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user gets when the machine has too little of something. */
class NoRoomTest {

    @TempDir
    private Path temp;

    @Test
    void outOfMemoryIsOneLineThatSaysWhatToDo() throws Exception {
        Lora4jProcess.Result result = Lora4jProcess.run(temp, List.of("-Xmx40m"), "train", "--model", "base-6m", "--data",
                "e2e", "--examples", "64", "--batch", "32", "--steps", "2", "--quiet", "--out", temp.resolve("run").toString());

        assertThat(result.err().lines()).singleElement().asString()
                .startsWith("lora4j: out of memory").contains("--batch", "LORA4J_JAVA_OPTS=-Xmx");
        assertThat(result.exitCode()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(temp.resolve("run/adapter_model.safetensors")).doesNotExist();
    }
}
