package org.lora4j.chat.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against what Jinja2 gives with the settings of Transformers; {@code tests/golden/make_chats.py} asked it. */
class JinjaTemplateTest {

    private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 7, 4, 5, 6);

    private static JsonNode resource(String name) throws IOException {
        try (InputStream in = JinjaTemplateTest.class.getResourceAsStream("/chats/" + name)) {
            return new ObjectMapper().readTree(in);
        }
    }

    private static String source(String name) throws IOException {
        try (InputStream in = JinjaTemplateTest.class.getResourceAsStream("/chats/" + name)) {
            return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        }
    }

    private static Map<String, Object> variables(JsonNode json) {
        Map<String, Object> variables = new HashMap<>();
        json.properties().forEach(entry -> variables.put(entry.getKey(), Values.of(entry.getValue())));
        return variables;
    }

    /** What is told of a rendering: its text and marks, or that it failed. */
    private static String told(String template, Map<String, Object> variables) {
        try {
            JinjaTemplate.Rendering rendering = JinjaTemplate.of(template).render(variables, NOW);
            return rendering.text() + " " + rendering.marked().stream().map(java.util.Arrays::toString).toList();
        } catch (JinjaException e) {
            return "error";
        }
    }

    private static String expected(JsonNode golden) {
        if (golden.has("error")) {
            return "error";
        }
        List<String> marked = new ArrayList<>();
        golden.get("marked").forEach(span -> marked.add("[" + span.get(0) + ", " + span.get(1) + "]"));
        return golden.get("text").textValue() + " " + marked;
    }

    @Test
    void expressionsAndStatementsGiveWhatJinjaGives() throws IOException {
        JsonNode golden = resource("expressions.json");
        assertThat(golden.get("cases")).hasSizeGreaterThan(500);
        for (JsonNode one : golden.get("cases")) {
            String template = one.get("template").textValue();
            assertThat(told(template, variables(golden.get("variables")))).as(template).isEqualTo(expected(one));
        }
    }

    @Test
    void chatsAreWrittenAsTransformersWritesThem() throws IOException {
        int refused = 0;
        for (JsonNode one : resource("chats.json")) {
            Map<String, Object> variables = variables(one.get("given"));
            variables.put("bos_token", "<|endoftext|>");
            variables.put("eos_token", "<|endoftext|>");
            assertThat(told(source(one.get("template").textValue()), variables)).as(one.toString()).isEqualTo(expected(one));
            refused += one.has("error") ? 1 : 0;
        }
        assertThat(refused).as("chats that a template refuses are among them").isPositive();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '!', value = {
        "a{{ 1 / 0 }} ! line 1: division by zero",
        "'a\n{% if x %}' ! line 2: expected elif or else or endif, found the template's end",
        "'\n\n{{ y.z }}' ! line 3: 'y' is undefined",
        "{{ x | nosuch }} ! line 1: no filter is called nosuch",
        "{% include 'passwd' %} ! line 1: the statement include has no meaning in a chat's template",
        "{{ x.append(1) }} ! line 1: append() would change a list, which templates may not do",
        "{{ [1, 2 } ! line 1: unexpected '}'",
        "{{ 'x ! line 1: a text in quotation marks has no end",
        "{{ raise_exception('no such role') }} ! line 1: no such role",
    })
    void whatIsWrongIsSaidWithItsLine(String template, String message) {
        assertThatThrownBy(() -> JinjaTemplate.of(template).render(Map.of("x", List.of()), NOW)).isInstanceOf(JinjaException.class)
                .hasMessage(message);
    }

    /** Templates come from strangers. */
    @ParameterizedTest
    @ValueSource(strings = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ range(1000000) }}",
        "{{ 'x' * 1000000000 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set n = namespace(t='xxxxxxxxxxxxxxxx') %}{% for i in range(60) %}{% set n.t = n.t + n.t %}{% endfor %}",
        "{{ x.__class__.__mro__[1].__subclasses__() }}",
        "{{ '%1000000000d' % 3 }}",
        "{{ ''.ljust(2000000000) }}",
    })
    void aTemplateThatAsksForTooMuchIsRefused(String template) {
        assertThatThrownBy(() -> JinjaTemplate.of(template).render(Map.of("x", "a"), NOW)).isInstanceOf(JinjaException.class)
                .hasMessageStartingWith("line ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "not ", "-", "{'a':", "x if x else "})
    void aTemplateThatIsNestedTooDeeplyIsRefused(String part) {
        assertThatThrownBy(() -> JinjaTemplate.of("{{ " + part.repeat(100_000) + " }}")).isInstanceOf(JinjaException.class);
    }
}
