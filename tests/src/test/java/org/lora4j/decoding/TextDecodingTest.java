package org.lora4j.decoding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.E2e;
import org.lora4j.data.Split;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.evaluate.DecodedLines.Decoded;
import org.lora4j.experiments.evaluate.DecodedLines;
import org.lora4j.experiments.evaluate.TestInputs;
import org.lora4j.experiments.evaluate.TextDecoding;
import org.lora4j.generate.Beam;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Files;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.tokenizer.Tokenizer;

/** Texts are kept while they are found, and a decoding that was stopped goes on without changing one. */
class TextDecodingTest {

    private static final Beam BEAM = new Beam(4, 0.9, 4);
    private static final int TOKENS = 12;
    private static final List<String> INPUTS = List.copyOf(TestInputs.of(E2e.embedded(Split.TEST), 5).keySet());

    private static Backend backend;
    private static Gpt2 model;
    private static Tokenizer tokenizer;

    @TempDir
    Path folder;

    @BeforeAll
    static void load() {
        backend = Backends.create("cpu");
        model = Gpt2Files.load(EmbeddedBase.folder(), backend);
        tokenizer = ByteLevelBpe.load(EmbeddedBase.folder());
    }

    @AfterAll
    static void close() {
        backend.close();
    }

    @Test
    void aDecodingThatWasStoppedGoesOnWithTheRestAndEndsWithTheSameBits() throws IOException {
        TextDecoding decoding = new TextDecoding(model, tokenizer, BEAM, TOKENS);
        List<Decoded> whole = decoding.decode(INPUTS, folder, (done, last) -> { });
        assertThat(whole).hasSize(5).extracting(Decoded::input).containsExactly(0, 1, 2, 3, 4);
        assertThat(whole).allSatisfy(text -> assertThat(text.tokens()).isBetween(1, TOKENS));

        Path file = folder.resolve(DecodedLines.FILE_NAME);
        List<String> lines = Files.readAllLines(file);
        // recipe, two texts, and half of the third
        Files.writeString(file, String.join("\n", lines.subList(0, 3)) + "\n" + lines.get(3).substring(0, 20));
        assertThat(decoding.alreadyIn(folder, INPUTS)).isEqualTo(2);
        List<Integer> counted = new ArrayList<>();
        assertThat(decoding.decode(INPUTS, folder, (done, last) -> counted.add(done))).isEqualTo(whole);
        assertThat(counted).containsExactly(3, 4, 5);
    }

    @Test
    void withoutAFolderTheTextsAreTheSame() {
        TextDecoding decoding = new TextDecoding(model, tokenizer, BEAM, TOKENS);
        assertThat(decoding.decode(INPUTS, null, (done, last) -> { }))
                .isEqualTo(decoding.decode(INPUTS, folder, (done, last) -> { }));
    }

    @Test
    void anotherBeamOrOtherInputsAreAnotherDecoding() {
        new TextDecoding(model, tokenizer, BEAM, TOKENS).decode(INPUTS.subList(0, 1), folder, (done, last) -> { });
        assertThatThrownBy(() -> new TextDecoding(model, tokenizer, Beam.PAPER, TOKENS)
                .decode(INPUTS.subList(0, 1), folder, (done, last) -> { }))
                .isInstanceOf(LoraException.class).hasMessageContaining("was decoded with beam 4, asked is 10");
        assertThatThrownBy(() -> new TextDecoding(model, tokenizer, BEAM, TOKENS).decode(INPUTS, folder, (done, last) -> { }))
                .isInstanceOf(LoraException.class).hasMessageContaining("was decoded with inputs 1 inputs");
    }

    @Test
    void theEmbeddedBaseHasNoTokenForABlankLineAndStopsAtEndOfTextAlone() {
        assertThat(TextDecoding.stopIds(tokenizer)).containsExactly(tokenizer.endOfText());
    }
}
