package org.lora4j.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.lora4j.io.FormatException;
import org.lora4j.io.TestFiles;
import org.lora4j.tuning.lora.BiasMode;
import org.lora4j.tuning.lora.LoraScaling;

class PeftConfigTest {

    private static final byte[] PEFT_0_21 = TestFiles.resource("peft_0_21.json");

    @TempDir
    Path folder;

    private PeftConfig read(String json) {
        return PeftConfig.read(TestFiles.write(folder.resolve("adapter_config.json"), json));
    }

    private PeftConfig with(String fields) {
        return read("{\"peft_type\": \"LORA\", \"r\": 8, \"lora_alpha\": 16, \"target_modules\": [\"c_attn\"]"
                + (fields.isEmpty() ? "" : ", " + fields) + "}");
    }

    @Test
    void whatPeftWroteIsReadAndWrittenAgainByteForByte() {
        PeftConfig config = read(new String(PEFT_0_21, StandardCharsets.UTF_8));
        config.requireSupported();
        assertThat(config.r()).isEqualTo(4);
        assertThat(config.alpha()).isEqualTo(0.5);
        assertThat(config.dropout()).isEqualTo(1e-5);
        assertThat(config.fanInFanOut()).isTrue();
        assertThat(config.taskType()).hasValue("CAUSAL_LM");
        assertThat(config.baseModel()).hasValue("größe/\ud83d\ude00");
        assertThat(config.targets().orElseThrow().matches("transformer.h.0.attn.c_attn")).isTrue();
        assertThat(config.rankOf("h.b")).isEqualTo(2);
        assertThat(config.alphaOf("h.d")).isEqualTo(1e22);

        config.write(folder.resolve("again.json"));
        assertThat(TestFiles.read(folder.resolve("again.json"))).isEqualTo(PEFT_0_21);
    }

    @Test
    void unknownFieldsKeepTheirPlaceAndASetFieldTakesItsOwn() {
        PeftConfig config = with("\"zeta\": null, \"aaa\": {\"b\": [], \"a\": 1.50}");
        String json = config.with("lora_alpha", 32).with("bias", "all").with("zz", List.of("x")).toJson();
        assertThat(json).isEqualTo("""
                {
                  "bias": "all",
                  "peft_type": "LORA",
                  "r": 8,
                  "lora_alpha": 32,
                  "target_modules": [
                    "c_attn"
                  ],
                  "zeta": null,
                  "aaa": {
                    "b": [],
                    "a": 1.5
                  },
                  "zz": [
                    "x"
                  ]
                }""");
    }

    @Test
    void aNewConfigurationHasPeftsDefaultsAndIsValidatedAsItGrows() {
        PeftConfig config = PeftConfig.create(4, 32).with("target_modules", List.of("c_attn")).with("fan_in_fan_out", true);
        config.requireSupported();
        assertThat(config.bias()).isEqualTo(BiasMode.NONE);
        assertThat(config.toJson()).contains("\"lora_alpha\": 32,", "\"alpha_pattern\": {},", "\"lora_dropout\": 0.0,");
        assertThat(PeftConfig.create(4, 0.5).toJson()).contains("\"lora_alpha\": 0.5,");
        assertThatThrownBy(() -> config.with("lora_dropout", 1.5)).isInstanceOf(FormatException.class)
                .hasMessage("adapter_config.json: field 'lora_dropout' is 1.5, expected 0 or more and less than 1");
    }

    @Test
    void patternsGiveModulesTheirOwnRankAndAlpha() {
        PeftConfig config = with("\"use_rslora\": true, \"rank_pattern\": {\"h.0.attn.c_attn\": 4}, "
                + "\"alpha_pattern\": {\"c_attn\": 2.5}");
        assertThat(config.scaling()).isEqualTo(LoraScaling.ALPHA_OVER_SQRT_R);
        assertThat(config.rankOf("transformer.h.0.attn.c_attn")).isEqualTo(4);
        assertThat(config.rankOf("transformer.h.1.attn.c_attn")).isEqualTo(8);
        assertThat(config.alphaOf("transformer.h.0.attn.c_attn")).isEqualTo(2.5);
        assertThat(config.alphaOf("transformer.h.0.mlp.c_fc")).isEqualTo(16);
    }

    @Test
    void layersExclusionsAndWholeModulesNarrowTheTargets() {
        PeftConfig config = with("\"layers_to_transform\": 1, \"layers_pattern\": \"h\", \"exclude_modules\": [\"x.c_attn\"], "
                + "\"modules_to_save\": [\"score\"]");
        assertThat(config.targets().orElseThrow().matching(List.of("h.0.attn.c_attn", "h.1.attn.c_attn", "h.1.x.c_attn",
                "score.h.1.c_attn"))).containsExactly("h.1.attn.c_attn");
        assertThat(config.modulesToSave()).containsExactly("score");
    }

    @ParameterizedTest
    @ValueSource(strings = {"use_qalora = true (QA-LoRA)", "lora_bias = true (a bias on B)",
        "layer_replication = [[0,4],[2,5]] (repeated layers)",
        "trainable_token_indices = [1] (trained rows of an embedding)", "megatron_config = {\"a\":1} (Megatron's parallel layers)",
        "target_parameters = [\"w\"] (updates of bare parameters)", "alora_invocation_tokens = [1,2] (activated LoRA)",
        "use_bdlora = {\"nblocks\":2} (block-diagonal LoRA)", "kasa_config = {\"beta\":1} (KaSA)",
        "enable_lora = [true,false,true] (updates of parts of a fused matrix, as early PEFT had them)",
        "use_next_years_idea = true (unknown to lora4j)", "next_scale = 2.5 (unknown to lora4j)",
        "next_kind = \"x\" (unknown to lora4j)"})
    void whatChangesTheMathematicsIsRefusedByName(String asked) {
        String field = asked.substring(0, asked.indexOf(" = "));
        String value = asked.substring(asked.indexOf(" = ") + 3, asked.lastIndexOf(" ("));
        if (asked.contains(" (updates of parts")) {
            value = "[true,false,true]";
        }
        PeftConfig config = with("\"" + field + "\": " + value);
        assertThatThrownBy(config::requireSupported).isInstanceOf(FormatException.class)
                .hasMessageContaining("adapter_config.json: asks for " + asked + ", which lora4j does not compute");
    }

    @Test
    void everyRefusedFieldIsNamed() {
        assertThatThrownBy(() -> with("\"use_qalora\": true, \"lora_bias\": true").requireSupported())
                .hasMessageContaining("asks for use_qalora = true (QA-LoRA) and lora_bias = true (a bias on B), which");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"use_dora\": false", "\"use_dora\": true", "\"use_qalora\": null", "\"modules_to_save\": []", "\"eva_config\": {\"rho\": 2}",
        "\"loftq_config\": {\"loftq_bits\": 4}", "\"qalora_group_size\": 16", "\"megatron_core\": \"megatron.core\"",
        "\"auto_mapping\": {\"base_model_class\": \"GPT2Model\"}", "\"peft_version\": \"0.21.0\"", "\"unknown\": false",
        "\"unknown\": 0", "\"unknown\": \"\"", "\"unknown\": {}", "\"init_lora_weights\": \"gaussian\"",
        "\"init_lora_weights\": false", "\"init_lora_weights\": \"eva\"", "\"init_lora_weights\": \"orthogonal\"",
        "\"inference_mode\": true", "\"runtime_config\": {\"ephemeral_gpu_offload\": false}", "\"merge_weights\": true"})
    void whatChangesNothingIsAccepted(String field) {
        with(field).requireSupported();
    }

    @ParameterizedTest
    @ValueSource(strings = {"pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga"})
    void anInitialisationThatChangedTheBaseIsRefused(String init) {
        assertThatThrownBy(() -> with("\"init_lora_weights\": \"" + init + "\"").requireSupported())
                .hasMessageContaining("init_lora_weights is '" + init + "', which also changed the base weights");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{}                                     | has no field 'peft_type', expected \"LORA\"",
        "{'peft_type': 'LORA', 'lora_alpha': 8} | has no field 'r', so the adapter's scale is unknown",
        "{'peft_type': 'LORA', 'r': 8}          | has no field 'lora_alpha', so the adapter's scale is unknown",
        "{'peft_type': 1}                       | field 'peft_type' is 1, expected a text",
    })
    void whatSaysNothingAboutItsScaleIsRefused(String json, String message) {
        assertThatThrownBy(() -> read(json.replace('\'', '"'))).isInstanceOf(FormatException.class).hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "'r': 'eight'                          | field 'r' is \"eight\", expected a whole number",
        "'r': 0                                | field 'r' is 0, expected 1 or more",
        "'r': 8.0                              | field 'r' is 8.0, expected a whole number",
        "'r': 99999999999                      | field 'r' is 99999999999, expected a whole number",
        "'lora_alpha': '16'                    | field 'lora_alpha' is \"16\", expected a number",
        "'lora_dropout': 1                     | field 'lora_dropout' is 1.0, expected 0 or more and less than 1",
        "'bias': 'some'                        | field 'bias' is 'some', expected none, all or lora_only",
        "'use_rslora': 'yes'                   | field 'use_rslora' is \"yes\", expected true or false",
        "'use_dora': 1                         | field 'use_dora' is 1, expected true or false",
        "'fan_in_fan_out': 'no'                | field 'fan_in_fan_out' is \"no\", expected true or false",
        "'modules_to_save': 'lm_head'          | field 'modules_to_save' is \"lm_head\", expected a list of texts",
        "'task_type': 3                        | field 'task_type' is 3, expected a text",
        "'base_model_name_or_path': ['gpt2']   | field 'base_model_name_or_path' is [\"gpt2\"], expected a text",
        "'target_modules': 7                   | field 'target_modules' is 7, expected a list of texts",
        "'target_modules': '('                 | `targets` '(' is not a regular expression",
        "'target_modules': [null]              | field 'target_modules' is null, expected a text",
        "'rank_pattern': {'a': 0}              | field 'rank_pattern.a' is 0, expected 1 or more",
        "'rank_pattern': {'(': 1}              | rank_pattern '(' is not a regular expression",
        "'alpha_pattern': [1]                  | field 'alpha_pattern' is [1], expected an object of numbers",
        "'layers_pattern': 'h'                 | field 'layers_pattern' is given without 'layers_to_transform'",
        "'layers_to_transform': [true]         | field 'layers_to_transform' is true, expected a whole number",
    })
    void aFieldOfTheWrongKindIsNamedWithWhatWasFound(String field, String message) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("peft_type", "\"LORA\"");
        fields.put("r", "8");
        fields.put("lora_alpha", "16");
        String[] parts = field.replace('\'', '"').split(": ", 2);
        fields.put(parts[0].replace("\"", ""), parts[1]);
        StringBuilder json = new StringBuilder();
        fields.forEach((name, value) -> json.append(json.isEmpty() ? "{" : ", ").append('"').append(name).append("\": ").append(value));
        assertThatThrownBy(() -> read(json + "}")).isInstanceOf(FormatException.class)
                .hasMessageStartingWith(folder.resolve("adapter_config.json") + ": " + message)
                .satisfies(e -> assertThat(e.getMessage()).hasLineCount(1));
    }

    @Test
    void anotherMethodsAdapterCanBeLookedAtButNotRun() {
        PeftConfig config = read("{\"peft_type\": \"LOHA\", \"r\": 8, \"lora_alpha\": 8}");
        assertThat(config.r()).isEqualTo(8);
        assertThatThrownBy(config::requireSupported)
                .hasMessageContaining("peft_type is 'LOHA', lora4j reads LORA, PROMPT_TUNING");
    }

    @Test
    void withoutTargetsItCannotBeRun() {
        PeftConfig config = PeftConfig.create(8, 8);
        assertThat(config.targets()).isEmpty();
        assertThatThrownBy(config::requireSupported).hasMessageContaining("field 'target_modules' is null");
    }
}
