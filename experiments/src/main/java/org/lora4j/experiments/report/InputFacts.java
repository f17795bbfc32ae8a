package org.lora4j.experiments.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The facts in a data-to-text input, {@code name : Blue Spice | Type : pub | …}, and where a text repeats their values
 * word for word. Nothing cleverer: "family friendly" said in other words is not found, in a reference as little as in
 * what the model wrote. An input that is not of this form is one fact without a key, and nothing is looked for.
 */
final class InputFacts {

    /** @param key empty where the input is free text */
    record Fact(String key, String value) {}

    /** A stretch of text that is, or is not, the value of a fact. */
    record Piece(String text, boolean found) {}

    private final List<Fact> facts;
    private final List<String> values;
    private final Pattern pattern;

    InputFacts(String input) {
        List<String> parts = Stream.of(input.strip().split("\\s*\\|\\s*")).filter(p -> !p.isBlank()).toList();
        boolean structured = !parts.isEmpty() && parts.stream().allMatch(p -> p.contains(" : "));
        facts = structured
                ? parts.stream().map(p -> p.split(" : ", 2)).map(p -> new Fact(p[0].strip(), p[1].strip())).toList()
                : List.of(new Fact("", input.strip()));
        values = !structured ? List.of() : facts.stream()
                .map(f -> f.value().toLowerCase(Locale.ROOT))
                .filter(v -> !v.isEmpty() && !v.equals("yes") && !v.equals("no"))
                .distinct()
                .toList();
        pattern = values.isEmpty() ? null : Pattern.compile(
                values.stream().sorted(Comparator.comparing(String::length).reversed()).map(Pattern::quote)
                        .collect(Collectors.joining("|", "(?<![\\p{L}\\p{N}])(?:", ")(?![\\p{L}\\p{N}])")),
                Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
    }

    List<Fact> facts() {
        return facts;
    }

    /** How many different values there are to look for. */
    int size() {
        return values.size();
    }

    int foundIn(String text) {
        return (int) pieces(text).stream().filter(Piece::found).map(p -> p.text().toLowerCase(Locale.ROOT)).distinct().count();
    }

    /** The text, cut at the values of facts; all pieces together are the text. */
    List<Piece> pieces(String text) {
        if (pattern == null) {
            return List.of(new Piece(text, false));
        }
        List<Piece> pieces = new ArrayList<>();
        Matcher matcher = pattern.matcher(text);
        int end = 0;
        while (matcher.find()) {
            if (matcher.start() > end) {
                pieces.add(new Piece(text.substring(end, matcher.start()), false));
            }
            pieces.add(new Piece(matcher.group(), true));
            end = matcher.end();
        }
        if (end < text.length()) {
            pieces.add(new Piece(text.substring(end), false));
        }
        return pieces;
    }
}
