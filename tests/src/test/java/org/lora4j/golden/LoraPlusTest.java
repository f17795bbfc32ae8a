package org.lora4j.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.AdamWStep.DecayOrder;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.data.Batch;
import org.lora4j.io.JsonFile;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.train.TrainingPlan;
import org.lora4j.tuning.lora.LoraPlus;

/** Ten losses under LoRA+ as PEFT's {@code create_loraplus_optimizer} gives them, see {@code make_lora_plus.py}. */
class LoraPlusTest {

    static Stream<Arguments> runs() {
        JsonNode runs = JsonFile.read(Path.of("src/test/resources/lora_plus.json")).get("runs");
        return StreamSupport.stream(runs.spliterator(), false)
                .flatMap(run -> Stream.of("reference", "cpu").map(backend -> Arguments.of(run.get("case").asText(), backend, run)));
    }

    @ParameterizedTest(name = "{0} on {1}")
    @MethodSource("runs")
    void tenLossesArePefts(String name, String backendName, JsonNode run) {
        GoldenCase golden = GoldenCase.all().stream().filter(one -> one.name().equals(name)).findFirst().orElseThrow();
        double rate = run.get("lr").asDouble();
        double embedding = run.get("embedding_lr").isNull() ? LoraPlus.EMBEDDING_RATE : run.get("embedding_lr").asDouble();
        TrainingPlan plan = TrainingPlan.of(10, rate, 1).withLoraPlus(new LoraPlus(run.get("ratio").asDouble(), embedding));
        try (Backend backend = Backends.create(backendName)) {
            GoldenCase.Subject subject = golden.on(backend);
            Batch batch = golden.batch();
            Workspace ws = Workspace.forTraining(backend, batch.inputIds().length, 1);
            AdamW adamW = new AdamW(backend, subject.trainable(),
                    new AdamW.Settings(0.9, 0.999, 1e-8, run.get("weight_decay").asDouble(), DecayOrder.BEFORE, false), plan::group);
            double[] losses = new double[10];
            for (int step = 0; step < losses.length; step++) {
                subject.trainable().forEach(Parameter::clearGradient);
                losses[step] = subject.model().lossAndGradients(batch, 1.0 / batch.targets(), 0, step, ws) / batch.targets();
                adamW.step(rate);
            }
            assertThat(GoldenValuesTest.relativeError(losses, GoldenValuesTest.doubles(run.get("losses")))).as(Arrays.toString(losses))
                    .isLessThan(backendName.equals("reference") ? 1e-9 : 1e-4);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
    void aRatioThatIsNoPositiveNumberIsRefused(double ratio) {
        assertThatThrownBy(() -> LoraPlus.of(ratio)).isInstanceOf(LoraException.class)
                .hasMessage("`loraPlusRatio` " + ratio + ": expected a positive number");
    }

    /** A checkpoint of one ratio is not gone on with under another; without LoRA+ a recipe is what it was. */
    @Test
    void theRecipeSaysTheRatio() {
        TrainingPlan plan = TrainingPlan.of(10, 1e-3, 1);
        assertThat(plan.recipe()).doesNotContainKey("lora-plus");
        assertThat(plan.withLoraPlus(LoraPlus.of(4)).recipe()).containsEntry("lora-plus", "LoraPlus[ratio=4.0, embeddingRate=1.0E-6]");
        assertThat(plan.withLoraPlus(LoraPlus.of(4))).isNotEqualTo(plan.withLoraPlus(LoraPlus.of(8))).isNotEqualTo(plan);
        assertThat(List.of(plan.withLoraPlus(LoraPlus.of(4)).withLoraPlus(null))).containsExactly(plan);
    }
}
