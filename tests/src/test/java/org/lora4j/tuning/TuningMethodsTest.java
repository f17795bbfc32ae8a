package org.lora4j.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.WeightType;
import org.lora4j.backend.reference.ReferenceBackend;
import org.lora4j.data.Batch;
import org.lora4j.family.Families;
import org.lora4j.family.LanguageModel;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.nn.Workspace;
import org.lora4j.optim.AdamW;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraConfig;

class TuningMethodsTest {

    /** The paper's table 3: FT 354.92M, FT-Top2 25.19M; BitFit by hand, 24·(3·1024 + 1024 + 4096 + 1024 + 2·1024) + 1024. */
    @ParameterizedTest
    @CsvSource({"full, 354823168", "top:2, 25192448", "bitfit, 271360"})
    void gpt2MediumTrainsAsManyNumbersAsThePaperSays(String method, long expected) {
        try (Backend counting = new CountingOnly()) {
            var config = Families.shape("gpt2-medium");
            LanguageModel model = Families.of(config.names()).empty(config, counting);
            TuningMethod chosen = switch (method) {
                case "full" -> new FullFineTuning();
                case "top:2" -> new TopBlocks(2);
                default -> new BitFit();
            };
            assertThat(TuningMethods.parse(method).name()).isEqualTo(chosen.name()).isEqualTo(method);
            assertThat(chosen.attach(model, 0).parameterCount()).isEqualTo(expected);
        }
    }

    private final Backend backend = new ReferenceBackend();
    private final LanguageModel model =
            Families.random(Gpt2Config.of(31, 8, 8, 3, 2), backend, 3, WeightType.FLOAT32);

    static Stream<TuningMethod> methods() {
        return Stream.of(new FullFineTuning(), new BitFit(), new TopBlocks(1), new TopBlocks(3),
                TuningMethods.parse("houlsby:3"), TuningMethods.parse("houlsby:3,norms=true,activation=silu"),
                TuningMethods.parse("lin:2"), TuningMethods.parse("pfeiffer:2"), TuningMethods.parse("adapterdrop:2,skip=1"),
                new LowRankAdaptation(LoraConfig.of(2, 4).withParts("q", "v"), List.of()));
    }

    @Test
    void theTopBlocksAreTheLast() {
        Tuning tuning = new TopBlocks(2).attach(model, 0);
        assertThat(tuning.trainable()).allMatch(parameter -> parameter.name().matches("transformer\\.h\\.[12]\\..*"))
                .hasSize(24);
        assertThat(tuning.name()).isEqualTo("top:2");
    }

    @Test
    void bitFitTrainsTheBiasesOfMapsAndNorms() {
        assertThat(new BitFit().attach(model, 0).trainable()).hasSize(3 * 6 + 1)
                .allMatch(parameter -> parameter.name().endsWith(".bias"));
    }

    /** One AdamW step with a large rate moves what trains and nothing else; detaching gives back the base, bit for bit. */
    @ParameterizedTest
    @MethodSource("methods")
    void aStepMovesWhatTrainsAndDetachingGivesBackTheBase(TuningMethod method) {
        List<Parameter> base = List.copyOf(model.parameters());
        List<double[]> before = base.stream().map(parameter -> backend.readDoubles(parameter.value())).toList();
        Tuning tuning = method.attach(model, 5);
        Batch batch = new Batch(2, 4, new int[] {1, 2, 3, 4, 5, 6, 7, 8}, null, new int[] {1, 2, 3, 4, 5, 6, 7, 8});
        double first = model.lossAndGradients(batch, 1.0 / batch.targets(), 0, 0, Workspace.forTraining(backend, 8, 0));
        new AdamW(backend, tuning.trainable(), AdamW.Settings.AUTHORS).step(1e-2);
        double second = model.loss(batch, 0, Workspace.forInference(backend, 8));
        assertThat(second).isLessThan(first);
        for (int i = 0; i < base.size(); i++) {
            assertThat(backend.readDoubles(base.get(i).baseValue())).isEqualTo(before.get(i));
        }

        tuning.detach();
        for (int i = 0; i < base.size(); i++) {
            assertThat(model.parameters().get(i)).isSameAs(base.get(i));
            assertThat(base.get(i).isTrainable()).isFalse();
            assertThat(base.get(i).value()).isSameAs(base.get(i).baseValue());
        }
    }

    @Test
    void moreBlocksThanThereAreIsAnError() {
        assertThatThrownBy(() -> new TopBlocks(4).attach(model, 0)).isInstanceOf(LoraException.class)
                .hasMessage("top:4: this GPT-2 has 3 blocks");
        assertThatThrownBy(() -> new TopBlocks(0)).isInstanceOf(LoraException.class).hasMessageContaining("at least 1, found 0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"lora", "", "top", "top:", "top:0", "top:-1", "top:1.5", "top:9999999999", "FULL", "ia3"})
    void aMethodThatNoNameSaysAllOfIsRefused(String name) {
        assertThatThrownBy(() -> TuningMethods.parse(name)).isInstanceOf(LoraException.class)
                .hasMessageStartingWith("`method` " + (name.isEmpty() ? "''" : name) + ": ").hasMessageContaining("lora, full, bitfit or top:N");
    }

    @Test
    void aModelThatTrainsAlreadyIsRefused() {
        new BitFit().attach(model, 0);
        assertThatThrownBy(() -> new FullFineTuning().attach(model, 0)).isInstanceOf(LoraException.class)
                .hasMessageContaining("trains already").hasMessageContaining("full fine-tuning");
    }

    @Test
    void trainingACopyLeavesATensorThatIsInUse() {
        Parameter parameter = model.parameters().getFirst();
        Tensor other = backend.allocate(parameter.shape());
        backend.fill(other, 2);
        parameter.use(other).trainCopy();
        backend.fill(parameter.value(), 3);
        assertThat(backend.readDoubles(other)).containsOnly(2);
        assertThat(parameter.trainCopy().value()).isNotSameAs(other);
        assertThat(backend.readDoubles(parameter.value())).containsOnly(3);
        parameter.restore();
        assertThat(parameter.value()).isSameAs(parameter.baseValue());
    }
}
