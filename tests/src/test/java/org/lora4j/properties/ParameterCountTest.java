package org.lora4j.properties;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.lora4j.backend.Backend;
import org.lora4j.backend.Backends;
import org.lora4j.gpt2.Gpt2;
import org.lora4j.gpt2.Gpt2Config;
import org.lora4j.nn.Parameter;
import org.lora4j.tensor.Buffer;
import org.lora4j.tensor.Tensor;
import org.lora4j.tuning.lora.LoraAdapter;
import org.lora4j.tuning.lora.LoraConfig;

/** The sizes that are printed in papers; the bases are made of tensors without memory. */
class ParameterCountTest {

    @ParameterizedTest
    @CsvSource({"small, 124439808, 147456", "medium, 354823168, 393216", "large, 774030080, 737280",
            "xl, 1557611200, 1228800"})
    void gpt2AndItsLoraOfRank4OnQueriesAndValues(String size, long parameters, long lora) {
        Gpt2Config config = switch (size) {
            case "small" -> Gpt2Config.small();
            case "medium" -> Gpt2Config.medium();
            case "large" -> Gpt2Config.large();
            default -> Gpt2Config.xl();
        };
        assertThat(config.parameterCount()).isEqualTo(parameters);
        try (Backend backend = Backends.create("cpu")) {
            Gpt2 model = new Gpt2(config, backend, name -> withoutMemory(name, config, backend), 0);
            assertThat(model.parameters().stream().mapToLong(Parameter::size).sum()).isEqualTo(parameters);
            LoraConfig queriesAndValues = LoraConfig.of(4, 32).withParts("q", "v");
            assertThat(LoraAdapter.attach(model, queriesAndValues, 1).parameterCount()).isEqualTo(lora);
        }
    }

    private static Parameter withoutMemory(String name, Gpt2Config config, Backend backend) {
        Buffer nothing = () -> Long.MAX_VALUE;
        return new Parameter(name, backend, new Tensor(config.shapeOf(name), nothing));
    }
}
