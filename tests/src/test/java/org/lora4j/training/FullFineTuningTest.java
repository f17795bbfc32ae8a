package org.lora4j.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Split;
import org.lora4j.data.TextPair;
import org.lora4j.experiments.base.EmbeddedBase;
import org.lora4j.experiments.data.E2e;
import org.lora4j.family.Families;
import org.lora4j.fixture.SmallGpt2;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Files;
import org.lora4j.gpt2.Gpt2Writer;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.tokenizer.ByteLevelBpe;
import org.lora4j.train.Evaluation;
import org.lora4j.train.FineTuning;
import org.lora4j.train.Trainer;
import org.lora4j.train.TrainingListener;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.FullFineTuning;

class FullFineTuningTest {

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aModelThatIsWrittenIsReadBackBitForBit(boolean tied) {
        try (Backend backend = Backends.create("cpu")) {
            Gpt2 model = SmallGpt2.of(tied ? SmallGpt2.TIED : SmallGpt2.UNTIED, backend);
            Gpt2Writer.write(model, folder);
            Gpt2 read = Gpt2Files.load(folder, backend);
            assertThat(read.config()).isEqualTo(model.config());
            assertThat(read.parameters()).hasSameSizeAs(model.parameters());
            for (int i = 0; i < model.parameters().size(); i++) {
                Parameter expected = model.parameters().get(i);
                assertThat(read.parameters().get(i).name()).isEqualTo(expected.name());
                assertThat(backend.readFloats(read.parameters().get(i).value())).isEqualTo(backend.readFloats(expected.value()));
            }
        }
    }

    @Test
    void everythingTrainsOnCopiesAndTheFolderHoldsTheBest() {
        List<TextPair> train = E2e.embedded(Split.TRAIN).subList(0, 32);
        List<TextPair> dev = E2e.embedded(Split.DEV).subList(0, 8);
        try (Backend backend = Backends.create("cpu")) {
            Gpt2 model = Gpt2Files.load(EmbeddedBase.folder(), backend);
            List<float[]> base = values(model, backend);
            FineTuning job = FineTuning.of(model, ByteLevelBpe.load(EmbeddedBase.folder())).method(new FullFineTuning())
                    .train(train).dev(dev).seed(1).source(EmbeddedBase.folder()).build();
            Trainer.Outcome outcome = job.run(TrainingPlan.of(8, 1e-3, 1), folder, "base-6m", TrainingListener.NONE);
            assertThat(outcome.after().loss()).isLessThan(outcome.before().loss() - 0.5);

            Evaluation read = Evaluation.of(
                    Gpt2Files.load(folder, backend), job.dev(), Workspace.forInference(backend, 1000));
            assertThat(read.loss()).isCloseTo(outcome.after().loss(), within(1e-6));

            assertThat(Families.tokenizer(folder).encode(train.getFirst().context())).isNotEmpty();
            job.tuning().detach();
            List<float[]> restored = values(model, backend);
            for (int i = 0; i < base.size(); i++) {
                assertThat(restored.get(i)).isEqualTo(base.get(i));
            }
        }
    }

    private static List<float[]> values(Gpt2 model, Backend backend) {
        List<float[]> values = new ArrayList<>();
        model.parameters().forEach(parameter -> values.add(backend.readFloats(parameter.value())));
        return values;
    }
}
