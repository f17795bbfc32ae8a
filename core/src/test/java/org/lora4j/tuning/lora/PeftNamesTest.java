package org.lora4j.tuning.lora;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.lora4j.select.PatternMap;
import org.lora4j.select.TargetSelector;

/** Selectors and patterns against what PEFT itself makes of them; {@code src/test/python/make_files.py} asked it. */
class PeftNamesTest {

    private static final JsonNode PEFT = read();
    private static final List<String> NAMES = texts(PEFT.get("names"));

    @ParameterizedTest
    @MethodSource("selectors")
    void selectsTheModulesThatPeftSelects(JsonNode selector) {
        assertThat(selector(selector.get("config")).matching(NAMES)).isEqualTo(texts(selector.get("matched")));
    }

    @ParameterizedTest
    @MethodSource("patterns")
    void givesModulesTheValuesThatPeftGives(JsonNode pattern) {
        Map<String, Integer> values = new LinkedHashMap<>();
        pattern.get("pattern").properties().forEach(entry -> values.put(entry.getKey(), entry.getValue().intValue()));
        PatternMap<Integer> map = new PatternMap<>("rank_pattern", values);
        for (String name : NAMES) {
            JsonNode expected = pattern.get("values").path(name);
            assertThat(map.valueFor(name).orElse(-1)).as(name).isEqualTo(expected.isMissingNode() ? -1 : expected.intValue());
        }
    }

    static Stream<JsonNode> selectors() {
        return StreamSupport.stream(PEFT.get("selectors").spliterator(), false);
    }

    static Stream<JsonNode> patterns() {
        return StreamSupport.stream(PEFT.get("patterns").spliterator(), false);
    }

    private static TargetSelector selector(JsonNode config) {
        JsonNode targets = config.get("target_modules");
        TargetSelector selector =
                targets.isTextual() ? TargetSelector.byExpression(targets.textValue()) : TargetSelector.byNames(texts(targets));
        if (config.has("layers_to_transform")) {
            List<Integer> layers = new ArrayList<>();
            list(config.get("layers_to_transform")).forEach(layer -> layers.add(layer.intValue()));
            List<String> patterns = new ArrayList<>(texts(config.path("layers_pattern")));
            patterns.removeIf(String::isEmpty);
            selector = selector.onLayers(layers, patterns);
        }
        JsonNode excluded = config.path("exclude_modules");
        selector = excluded.isTextual() ? selector.excludingExpression(excluded.textValue()) : selector.excluding(texts(excluded));
        return selector.outside(texts(config.path("modules_to_save")));
    }

    private static List<String> texts(JsonNode textOrList) {
        return list(textOrList).stream().map(JsonNode::textValue).toList();
    }

    private static List<JsonNode> list(JsonNode oneOrMany) {
        if (oneOrMany.isMissingNode()) {
            return List.of();
        }
        return oneOrMany.isArray() ? StreamSupport.stream(oneOrMany.spliterator(), false).toList() : List.of(oneOrMany);
    }

    private static JsonNode read() {
        try (InputStream in = PeftNamesTest.class.getResourceAsStream("peft_selectors.json")) {
            return new JsonMapper().readTree(in);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
