package org.lora4j.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.LoraException;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.backend.WeightType;
import org.lora4j.family.Families;
import org.lora4j.family.Labels;
import org.lora4j.family.LanguageModel;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.model.Model;
import org.lora4j.nn.Parameter;
import org.lora4j.tuning.layers.AdapterKind;
import org.lora4j.tuning.layers.AdapterLayers;

class AdapterLayersTest {

    /** What is allocated is what the paper's tables 2, 3 and 15 count: L̂_Adpt·(2·d·r + r + d) + 2·L̂_LN·d. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "gpt2-medium | lin:6 | 368784", "gpt2-medium | lin:224 | 11089152", "gpt2-medium | houlsby:112 | 11064576",
        "gpt2-medium | houlsby:112,norms=true | 11162880",
        "gpt2-large | lin:8 | 875808", "gpt2-large | lin:248 | 23002848",
        "roberta-large | houlsby:8 | 835968", "roberta-large | houlsby:64 | 6343680",
        "roberta-large | pfeiffer:16 | 811392", "roberta-large | pfeiffer:64 | 3171840",
        "roberta-base | adapterdrop:64 | 693952",
        "gpt3 | houlsby:1 | 7078080", "gpt3 | houlsby:4 | 21234432", "gpt3 | houlsby:8 | 40109568",
        "gpt3 | houlsby:16 | 77859840", "gpt3 | houlsby:64 | 304361472",
    })
    void asManyNumbersTrainAsThePaperCounts(String shape, String method, long expected) {
        try (Backend counting = new CountingOnly()) {
            AdapterTuning tuning = ((AdapterMethod) TuningMethods.parse(method)).allocate(model(shape, counting));
            assertThat(tuning.trainable().stream().filter(parameter -> !parameter.name().startsWith("classifier"))
                    .mapToLong(Parameter::size).sum()).isEqualTo(expected);
        }
    }

    private static Model model(String shape, Backend counting) {
        if (shape.equals("gpt3")) {
            var config = Gpt2Config.of(50257, 2048, 12288, 96, 96);
            return Families.of(config.names()).empty(config, counting);
        }
        var config = Families.shape(shape);
        return shape.startsWith("roberta") ? Families.of(config.names()).emptyClassifier(config, Labels.numbered(3), counting)
                : Families.of(config.names()).empty(config, counting);
    }

    private final Backend backend = Backends.create("reference");
    private final LanguageModel model = Families.random(Gpt2Config.of(31, 8, 40, 3, 2), backend, 3, WeightType.FLOAT32);

    @Test
    void mapsBeginNearZeroAndCutAtTwoDeviations() {
        AdapterTuning tuning = AdapterLayers.of(AdapterKind.LIN, 20).attach(model, 7);
        for (Parameter parameter : tuning.trainable()) {
            double[] values = backend.readDoubles(parameter.value());
            double squares = Arrays.stream(values).map(v -> v * v).sum() / values.length;
            if (parameter.name().endsWith("norm.weight")) {
                assertThat(values).containsOnly(1);
            } else if (parameter.name().endsWith("bias")) {
                assertThat(values).containsOnly(0);
            } else {
                assertThat(Arrays.stream(values).allMatch(v -> Math.abs(v) <= 0.02)).isTrue();
                // the variance of a normal cut at ±2 is 1 − 4·φ(2)/(2·Φ(2) − 1) = 0.774; of 800 of them ± 6 %
                assertThat(squares).isCloseTo(0.774e-4, within(0.2e-4));
            }
        }
        double[] first = backend.readDoubles(tuning.trainable().get(2).value());
        tuning.detach();
        assertThat(backend.readDoubles(AdapterLayers.of(AdapterKind.LIN, 20).attach(model, 7).trainable().get(2).value()))
                .isEqualTo(first);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "houlsby:8,activation=gelu | houlsby:8", "houlsby:size=8 | houlsby:8", "lin:8,skip=0 | lin:8",
        "lin:8,init=0.010 | lin:8", "adapterdrop:8,skip=5 | adapterdrop:8", "pfeiffer:8,activation=swish | pfeiffer:8,activation=silu",
        "houlsby:8,norms=true,skip=1 | houlsby:8,skip=1,norms=true", "houlsby:8,init=1e-3 | houlsby:8,init=0.001",
    })
    void aNameIsReadAndSpelledShortest(String typed, String name) {
        assertThat(TuningMethods.parse(typed).name()).isEqualTo(name);
        assertThat(TuningMethods.parse(name).name()).isEqualTo(name);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "houlsby | needs a size, such as houlsby:8", "houlsby:0 | size 0, expected a whole number of at least 1",
        "houlsby:-3 | size -3", "houlsby:9999999999 | size 9999999999", "houlsby: | is no setting", "houlsby:8,8 | '8' is no setting",
        "houlsby:8,size=8 | size is said twice", "houlsby:8,skp=2 | no setting 'skp' (nearest: skip)",
        "houlsby:8,norms=yes | norms yes, expected true or false", "houlsby:8,activation=gelo | activation gelo, expected gelu_new",
        "houlsby:8,init=0 | init 0, expected a positive number", "houlsby:8,init=1.2.3 | init 1.2.3", "houlsby:8,skip=2,skip=3 | skip is said twice",
    })
    void aSettingThatMakesNoSenseIsNamed(String typed, String message) {
        assertThatThrownBy(() -> TuningMethods.parse(typed)).isInstanceOf(LoraException.class)
                .hasMessageStartingWith("`method` " + typed.strip()).hasMessageContaining(message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pfeiffer:2,skip=3", "adapterdrop:2"})
    void leavingOutEveryBlockIsAnError(String method) {
        assertThatThrownBy(() -> TuningMethods.parse(method).attach(model, 1)).isInstanceOf(LoraException.class)
                .hasMessageContaining("leaves none of this GPT-2's 3 blocks, say skip=1 or less");
        assertThat(model.parameters()).noneMatch(Parameter::isTrainable);
    }

    @Test
    void twoMethodsInAPlaceAreRefusedAndTheModelStaysAsItWas() {
        Tuning first = TuningMethods.parse("houlsby:2").attach(model, 1);
        List<Parameter> parameters = model.parameters();
        assertThatThrownBy(() -> TuningMethods.parse("houlsby:3").attach(model, 1)).isInstanceOf(LoraException.class)
                .hasMessageContaining("trains already");
        ((AdapterTuning) first).freeze();
        assertThatThrownBy(() -> TuningMethods.parse("houlsby:3").attach(model, 1)).isInstanceOf(LoraException.class)
                .hasMessageContaining("transformer.h.0.attn.branch has a layer of another method already");
        assertThat(model.parameters()).isEqualTo(parameters);
    }
}
