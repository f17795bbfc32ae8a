package org.lora4j.book;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sets a formula that a page has as plain text: variables slanted, names of functions upright, words quiet, {@code _x} as a
 * subscript. Every character keeps its column, so that matrices drawn with brackets and formulas in columns stay in line;
 * that is why it is not made into MathML, which knows no columns.
 */
final class Formula {

    private static final Pattern MATHEMATICAL = Pattern.compile("[·∂ᵀ⎡⎤Σ√⊙∞₀₁₂ₜθσμεβΔ≤≥∈²]| ← | = .*[/^(]|\\bexp\\b|\\bsqrt\\b");
    private static final Pattern COMMAND = Pattern.compile("(?m)^\\s*(?:\\./lora4j|bin/lora4j|lora4j |mvn|python|pip|java "
            + "|benchmarks/|git |export |curl|[A-Z_0-9]+=\\S+ )|--[a-z]");
    private static final Pattern DRAWN = Pattern.compile("[⎡⎢┬│]");
    private static final Set<String> FUNCTIONS = Set.of("exp", "log", "tanh", "erf", "max", "min", "mean", "var", "softmax",
            "sqrt", "sum", "cos", "sin", "sigmoid", "abs", "round", "sign", "diag", "rank", "tr", "gelu", "silu", "relu");
    private static final Pattern TOKEN = Pattern.compile("(?<sub>_(?:(?:[A-Za-zα-ω]\\p{Mn}?)+|\\d+))"
            + "|(?<word>\\p{L}[\\p{L}\\p{Mn}]*)|(?<rest>.)", Pattern.DOTALL);

    private static final Pattern GAP = Pattern.compile(" {3,}|\\s*\\n\\s*");

    private Formula() {
    }

    static boolean is(String text) {
        return MATHEMATICAL.matcher(text).find() && !COMMAND.matcher(text).find() && !text.contains(";\n")
                && !text.contains("{\"");
    }

    /** Whether its lines belong together, as those of a matrix do. */
    static boolean isDrawn(String text) {
        return DRAWN.matcher(text).find();
    }

    /** The text, set. What stands between gaps of several spaces is a cell, which a narrow screen may put on its own line. */
    static String html(String text) {
        StringBuilder html = new StringBuilder();
        int begin = 0;
        Matcher gap = GAP.matcher(text);
        while (gap.find()) {
            cell(text.substring(begin, gap.start()), html);
            html.append(gap.group());
            begin = gap.end();
        }
        cell(text.substring(begin), html);
        return html.toString();
    }

    private static void cell(String text, StringBuilder html) {
        if (!text.isEmpty()) {
            html.append("<span class=\"eq\">");
            set(text, html);
            html.append("</span>");
        }
    }

    private static void set(String text, StringBuilder html) {
        Matcher token = TOKEN.matcher(text);
        while (token.find()) {
            if (token.group("sub") != null) {
                String below = token.group("sub").substring(1);
                html.append("<sub style=\"width:").append(below.replaceAll("\\p{Mn}", "").length() + 1).append("ch\"><i>")
                        .append(below).append("</i></sub>");
            } else if (token.group("word") != null) {
                html.append(word(token.group("word")));
            } else {
                html.append(Html.escape(token.group("rest")));
            }
        }
    }

    private static String word(String word) {
        String letters = word.replaceAll("[\\p{Lm}\\p{Mn}ᵀ₀-ₜ]", ""); // raised and lowered ones
        if (FUNCTIONS.contains(letters)) {
            return "<b>" + word + "</b>";
        }
        return switch (letters.codePointCount(0, letters.length())) {
            case 0, 1 -> "<i>" + word + "</i>";
            case 2 -> "dΔ∂".indexOf(letters.charAt(0)) >= 0 ? "<i>" + word + "</i>" : quiet(word);
            default -> quiet(word);
        };
    }

    private static String quiet(String word) {
        return "<span class=\"w\">" + word + "</span>";
    }
}
