package org.lora4j.select;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Values for some modules by a pattern of their names, as PEFT's {@code rank_pattern} and {@code alpha_pattern}: a key
 * is a regular expression in Python's dialect that matches a whole name, or what follows a dot in it up to its end. The
 * first key that matches counts.
 *
 * <pre>
 *   {"c_attn": 4, "h.0.attn.c_attn": 8}    c_attn comes first: 4 for every c_attn
 *   {"^transformer.h.0.attn.c_attn": 8}    only this one, for ^ is the beginning of the name
 * </pre>
 *
 * The whole expression is {@code (.*\.)?(KEY)$}, so that {@code \1} in a key means what comes before it in the name.
 *
 * <p>Source: {@code get_pattern_key} in PEFT's utils/other.py (0.21).
 */
public final class PatternMap<V> {

    /** What the modules that a key matches get. */
    private record Rule<V>(PythonRegex key, V value) {}

    private final List<Rule<V>> rules = new ArrayList<>();

    /**
     * Values by patterns, in the order in which they are tried.
     *
     * @param what the option's or field's name, for messages
     * @throws org.lora4j.LoraException if a key is not a regular expression
     */
    public PatternMap(String what, Map<String, V> values) {
        values.forEach((key, value) ->
                rules.add(new Rule<>(PythonRegex.compile(what, "(.*\\.)?(", key, ")$"), value)));
    }

    /** The value of the first key that matches. */
    public Optional<V> valueFor(String module) {
        return rules.stream().filter(rule -> matches(rule, module)).findFirst().map(Rule::value);
    }

    /** The keys that match none of the modules: slips, most likely. */
    public List<String> unused(Collection<String> modules) {
        return rules.stream().filter(rule -> modules.stream().noneMatch(module -> matches(rule, module)))
                .map(rule -> rule.key().source()).toList();
    }

    private static boolean matches(Rule<?> rule, String module) {
        return rule.key().matchAtStart(module) != null;
    }
}
