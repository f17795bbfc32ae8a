package org.lora4j.tokenizer.pipeline;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Regular expressions as Hugging Face's tokenizers have them, in Oniguruma's Ruby syntax, for Java's engine. What differs:
 *
 * <pre>
 *   ^ and $         at every line, and only \n ends one              (?m)    the dot finds \n too
 *   \w \b           letters, marks, decimal digits, _ and the like; in brackets without ², ³, ¹ and the fractions
 *   \h              a hexadecimal digit                              \p{Han} Java's \p{IsHan}
 *   {n,m}+          the whole again, once or more                    {n}?    once or not at all
 * </pre>
 *
 * What has no counterpart is refused by name. Letters that fold to several, such as ß, are found by their own kind only.
 */
public final class Oniguruma {

    private static final String WORD_IN_BRACKETS = "\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}";
    private static final String WORD = "[" + WORD_IN_BRACKETS + "\u00B2\u00B3\u00B9\u00BC-\u00BE]";
    private static final String NO_WORD = "[^" + WORD.substring(1);
    private static final String AFTER_WORD = "(?<=\uD840\uDC00{0}" + WORD + ")";
    private static final String AFTER_NO_WORD = "(?<!\uD840\uDC00{0}" + WORD + ")";
    private static final String BOUNDARY = "(?:" + AFTER_WORD + "(?!" + WORD + ")|" + AFTER_NO_WORD + "(?=" + WORD + "))";
    private static final String NO_BOUNDARY = "(?:" + AFTER_WORD + "(?=" + WORD + ")|" + AFTER_NO_WORD + "(?!" + WORD + "))";
    /** Nothing, but Java's engine looks behind for one char only where a group names no character of two. */
    private static final String SEES_PAIRS = "\uD840\uDC00{0}";
    private static final String SAME_IN_BOTH = "AzdDsStnrfae";
    private static final Set<String> GROUPS = Set.of("?:", "?=", "?!", "?>", "?<=", "?<!");

    private final String source;
    private final StringBuilder out = new StringBuilder();
    private final Deque<int[]> groups = new ArrayDeque<>(); // where each began in out, and whether its dot finds \n
    private int at;
    private int atom = -1; // where the last thing that can be repeated begins in out
    private boolean dotAll;

    private Oniguruma(String source) {
        this.source = source;
    }

    /** @throws IllegalArgumentException that says what cannot be translated, in words for a message */
    public static Pattern compile(String source) {
        String translated = new Oniguruma(source).translate();
        try {
            return Pattern.compile(translated, Pattern.UNICODE_CHARACTER_CLASS);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException(e.getDescription() + ", in its translation '" + translated + "'", e);
        } catch (StackOverflowError e) {
            throw new IllegalArgumentException("it is nested too deeply", e);
        }
    }

    private String translate() {
        while (at < source.length()) {
            int c = source.codePointAt(at);
            switch (c) {
                case '(' -> open();
                case ')' -> close();
                case '[' -> {
                    atom = out.length();
                    new OnigurumaBrackets(source, at, out).copy();
                    at = OnigurumaBrackets.end(source, at);
                }
                case '\\' -> escape();
                case '*', '+', '?' -> repeat(String.valueOf((char) c), 1);
                case '{' -> interval();
                case '|' -> {
                    out.append('|');
                    atom = -1;
                    at++;
                }
                case '^' -> put("(?:\\A|(?<=\n)(?!\\z))", 1);
                case '$' -> put("(?=\n|\\z)", 1);
                case '.' -> put(dotAll ? "(?s:.)" : "[^\n]", 1);
                case ']', '}' -> put("\\" + (char) c, 1);
                default -> put(Character.toString(c), Character.charCount(c));
            }
        }
        if (!groups.isEmpty()) {
            throw new IllegalArgumentException("a parenthesis is not closed");
        }
        return out.toString();
    }

    private void put(String translated, int length) {
        atom = out.length();
        out.append(translated);
        at += length;
    }

    // ------------------------------------------------------------------------------------------------ groups

    private void open() {
        if (source.startsWith("(?#", at)) {
            int end = source.indexOf(')', at);
            if (end < 0) {
                throw new IllegalArgumentException("a comment is not closed");
            }
            at = end + 1;
            return;
        }
        int from = out.length();
        boolean outer = dotAll;
        String begin = beginning();
        if (begin.endsWith(")")) { // options for the rest of the group around it
            out.append(begin.equals("(?)") ? "" : begin);
            at = source.indexOf(')', at) + 1;
            atom = -1;
            return;
        }
        groups.push(new int[] {from, outer ? 1 : 0});
        out.append(begin);
        atom = -1;
    }

    /** What begins the group in Java; moves on behind it, except for options alone. */
    private String beginning() {
        if (!source.startsWith("(?", at)) {
            at++;
            return "(";
        }
        for (String kind : GROUPS) {
            if (source.startsWith(kind, at + 1)) {
                at += 1 + kind.length();
                return "(" + kind + (kind.startsWith("?<") ? SEES_PAIRS : "");
            }
        }
        int end = at + 2;
        while (end < source.length() && "imx-".indexOf(source.charAt(end)) >= 0) {
            end++;
        }
        if (end < source.length() && end > at + 2 && (source.charAt(end) == ':' || source.charAt(end) == ')')) {
            String options = options(source.substring(at + 2, end));
            if (source.charAt(end) == ')') {
                return "(?" + options + ")";
            }
            at = end + 1;
            return "(?" + options + ":";
        }
        int name = source.indexOf('>', at);
        if (source.startsWith("(?<", at) && name > 0 && source.substring(at + 3, name).matches("[A-Za-z][A-Za-z0-9]*")) {
            String group = source.substring(at, name + 1);
            at = name + 1;
            return group;
        }
        throw new IllegalArgumentException("it has a group of a kind that is not known here, '"
                + source.substring(at, Math.min(source.length(), at + 6)) + "'");
    }

    private String options(String options) {
        boolean on = true;
        StringBuilder kept = new StringBuilder();
        for (char option : options.toCharArray()) {
            switch (option) {
                case '-' -> {
                    on = false;
                    kept.append('-');
                }
                case 'm' -> dotAll = on;
                case 'i' -> kept.append('i');
                default -> throw new IllegalArgumentException("it has the option " + option + ", which is not known here");
            }
        }
        return kept.toString().equals("-") ? "" : kept.toString();
    }

    private void close() {
        if (groups.isEmpty()) {
            throw new IllegalArgumentException("a parenthesis is closed that was not opened");
        }
        int[] group = groups.pop();
        out.append(')');
        atom = group[0];
        dotAll = group[1] != 0;
        at++;
    }

    // ------------------------------------------------------------------------------------------------ repetition

    private void repeat(String quantifier, int length) {
        if (atom < 0) {
            throw new IllegalArgumentException("there is nothing that its " + quantifier + " could repeat");
        }
        out.append(quantifier);
        at += length;
        if (at < source.length() && (source.charAt(at) == '?' || source.charAt(at) == '+')) {
            out.append(source.charAt(at++));
        }
        wrapIfRepeated();
    }

    private void interval() {
        int end = source.indexOf('}', at);
        String bounds = end < 0 ? "" : source.substring(at + 1, end);
        if (!bounds.matches("\\d{1,5}(,\\d{0,5})?|,\\d{1,5}")) {
            put("\\{", 1);
            return;
        }
        if (atom < 0) {
            throw new IllegalArgumentException("there is nothing that its {" + bounds + "} could repeat");
        }
        out.append('{').append(bounds.startsWith(",") ? "0" : "").append(bounds).append('}');
        at = end + 1;
        boolean fixed = bounds.indexOf(',') < 0;
        if (!fixed && at < source.length() && source.charAt(at) == '?') {
            out.append('?');
            at++;
        }
        wrapIfRepeated();
    }

    /** A quantifier behind a quantifier repeats the whole. */
    private void wrapIfRepeated() {
        if (at < source.length() && "*+?{".indexOf(source.charAt(at)) >= 0) {
            out.insert(atom, "(?:").append(')');
        }
    }

    // ------------------------------------------------------------------------------------------------ escapes

    private void escape() {
        if (at + 1 >= source.length()) {
            throw new IllegalArgumentException("it ends in a backslash");
        }
        char letter = source.charAt(at + 1);
        switch (letter) {
            case 'w' -> put(WORD, 2);
            case 'W' -> put(NO_WORD, 2);
            case 'b' -> put(BOUNDARY, 2);
            case 'B' -> put(NO_BOUNDARY, 2);
            case 'h' -> put("[0-9a-fA-F]", 2);
            case 'H' -> put("[^0-9a-fA-F]", 2);
            case 'v' -> put("\\x0B", 2);
            case 'Z' -> put("(?=\n?\\z)", 2);
            case 'N' -> put("[^\n]", 2);
            case 'O' -> put("(?s:.)", 2);
            case 'R' -> put("\\" + letter, 2);
            case 'k' -> {
                int end = source.indexOf('>', at);
                if (!source.startsWith("\\k<", at) || end < 0) {
                    throw new IllegalArgumentException("\\k is not followed by a name in < >");
                }
                put(source.substring(at, end + 1), end + 1 - at);
            }
            case '1', '2', '3', '4', '5', '6', '7', '8', '9' -> put("\\" + letter, 2);
            default -> {
                atom = out.length();
                if (SAME_IN_BOTH.indexOf(letter) >= 0) {
                    put("\\" + letter, 2);
                } else {
                    at = OnigurumaBrackets.escape(source, at, out);
                }
            }
        }
    }
}
