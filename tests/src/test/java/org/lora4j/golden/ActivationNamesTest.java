package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Activation;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.gpt2.Gpt2Files;
import org.lora4j.gpt2.Gpt2Writer;

/** What {@code activation_function} of a config.json may say. */
class ActivationNamesTest {

    @TempDir
    private Path folder;

    @ParameterizedTest
    @EnumSource(Activation.class)
    void aModelIsReadUnderEveryNameOfItsActivationAndWrittenUnderTheUsualOne(Activation activation) throws IOException {
        write(activation);
        assertThat(Gpt2Files.config(folder).activation()).isEqualTo(activation);
        assertThat(Files.readString(json())).contains("\"" + activation.names().getFirst() + "\"");
        for (String name : activation.names()) {
            say(activation, name);
            assertThat(Gpt2Files.config(folder).activation()).as(name).isEqualTo(activation);
            write(activation);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gelu_10", "mish", "relu6", "GELU", "gelu ", ""})
    void anyOtherNameIsRefusedWithAllThatWork(String name) throws IOException {
        write(Activation.RELU);
        say(Activation.RELU, name);
        assertThatThrownBy(() -> Gpt2Files.config(folder)).isInstanceOf(LoraException.class)
                .hasMessageContaining("activation_function is '" + name + "'")
                .satisfies(refusal -> assertThat(Activation.allNames()).allMatch(refusal.getMessage()::contains));
    }

    @Test
    void noNameStandsForTwo() {
        assertThat(Activation.allNames()).doesNotHaveDuplicates();
    }

    private void write(Activation activation) {
        Gpt2Config tied = SmallGpt2.TIED;
        try (Backend backend = Backends.create("reference")) {
            Gpt2Writer.write(SmallGpt2.of(tied.withActivation(activation), backend), folder);
        }
    }

    private void say(Activation written, String name) throws IOException {
        String text = Files.readString(json());
        Files.writeString(json(), text.replace("\"" + written.names().getFirst() + "\"", "\"" + name + "\""));
    }

    private Path json() {
        return folder.resolve("config.json");
    }
}
