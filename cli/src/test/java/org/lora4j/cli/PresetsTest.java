package org.lora4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.family.Families;
import org.lora4j.family.ModelFamily;

/** What {@code train} takes where nothing is said, by the model's family. */
class PresetsTest {

    @TempDir
    private Path folder;

    private Path data;

    @BeforeEach
    void writeData() throws IOException {
        data = Files.writeString(folder.resolve("data.jsonl"), "{\"question\": \"Hi\", \"answer\": \"Hello\"}\n");
    }

    /** @param width of the model, and of the keys of all heads together */
    private Path decoder(int width) throws IOException {
        Path model = Files.createDirectories(folder.resolve("decoder-" + width));
        for (String file : new String[] {"vocab.json", "merges.txt"}) {
            Files.copy(EmbeddedBase.folder().resolve(file), model.resolve(file));
        }
        Files.writeString(model.resolve("config.json"), """
                {"model_type": "llama", "vocab_size": 4096, "max_position_embeddings": 64, "hidden_size": %d, "intermediate_size": 48,
                 "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
                 "hidden_act": "silu", "tie_word_embeddings": true}""".formatted(width));
        try (Backend backend = Backends.create("reference")) {
            ModelFamily family = Families.of(model);
            family.write(family.random(family.config(model.resolve("config.json")), backend, 7, WeightType.FLOAT32), model, Map.of());
        }
        return model;
    }

    private Run train(Path model, String... more) {
        String[] arguments = new String[9 + more.length];
        System.arraycopy(new String[] {"train", "--model", model.toString(), "--data", data.toString(), "--steps", "1", "--out",
            folder.resolve("out-" + more.length + model.getFileName()).toString()}, 0, arguments, 0, 9);
        System.arraycopy(more, 0, arguments, 9, more.length);
        Run run = Run.of(arguments);
        assertThat(run.exitCode()).as(run.err()).isZero();
        return run;
    }

    @Test
    void aDecoderOfTodayGetsWhatPeopleTakeAndIsToldSo() throws IOException {
        Run run = train(decoder(32));
        assertThat(run.err()).contains("where nothing is said: --rank 16 --alpha 32 --dropout 0.05 --targets all-linear --lr 2e-4");
        assertThat(run.out()).contains("LoRA r 16, alpha 32 on all-linear");
    }

    @Test
    void whatIsSaidGoesFirst() throws IOException {
        Run run = train(decoder(32), "--rank", "2", "--targets", "q");
        assertThat(run.err()).contains("where nothing is said: --alpha 32 --dropout 0.05 --lr 2e-4");
        assertThat(run.out()).contains("LoRA r 2, alpha 32 on q");
    }

    @Test
    void theRankIsNoLargerThanTheModelsMatrices() throws IOException {
        assertThat(train(decoder(8)).out()).contains("LoRA r 8, alpha 16 on all-linear");
    }

    @Test
    void thePapersModelGetsThePapersValues() throws IOException {
        Run run = train(TinyModel.write(folder.resolve("tiny")));
        assertThat(run.out()).contains("LoRA r 4, alpha 32 on q,v");
        assertThat(run.err()).doesNotContain("where nothing is said");
    }

    @Test
    void aRunThatIsTooShortToLearnSaysSoUnlessItWasAskedFor() throws IOException {
        String model = TinyModel.write(folder.resolve("tiny")).toString();
        String remark = "one pass over the data is 1 step, in which little is learned";
        String out = folder.resolve("out").toString();
        assertThat(Run.of("train", "--model", model, "--data", data.toString(), "--out", out).err()).contains(remark);
        assertThat(Run.of("train", "--model", model, "--data", data.toString(), "--out", out, "--overwrite", "--epochs", "1").err())
                .doesNotContain(remark);
    }

    @Test
    void aNameAtHuggingFaceIsNotDownloadedAndTheMessageSaysHowToGetIt() {
        Run run = Run.of("train", "--model", "Some/Model-1.5B", "--data", data.toString(), "--out", folder.resolve("out").toString());
        assertThat(run.exitCode()).isNotZero();
        assertThat(run.err()).contains("--model Some/Model-1.5B: there is no such folder", "hf download Some/Model-1.5B, of Hugging Face's own tool");
        assertThat(Run.of("train", "--model", folder + "/Some", "--data", data.toString(), "--out", folder.resolve("out").toString()).err())
                .doesNotContain("hf download");
    }

    @Test
    void aSecondFileIsMeasuredOn() throws IOException {
        Path model = TinyModel.write(folder.resolve("tiny"));
        assertThat(train(model).out()).contains("1 chats to learn from, 0 to measure on");
        assertThat(train(model, "--dev", data.toString()).out()).contains("1 chats to learn from, 1 to measure on", "Dev loss");
    }
}
