package org.lora4j.tokenizer.pipeline;

import java.lang.Character.UnicodeScript;
import java.util.Locale;
import java.util.Map;

/** The part of {@link Oniguruma} that stands in brackets, and the escapes that may stand there and outside. */
final class OnigurumaBrackets {

    private static final String WORD = "[\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}]";
    private static final String NO_WORD = "[^\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}]";

    /** POSIX's names and Unicode's binary properties, as a class in Java; names in lower case without spaces, - and _. */
    private static final Map<String, String> PROPERTIES = Map.ofEntries(
            Map.entry("alnum", "\\p{IsAlphabetic}\\p{Nd}"), Map.entry("alpha", "\\p{IsAlphabetic}"),
            Map.entry("alphabetic", "\\p{IsAlphabetic}"), Map.entry("blank", "\\p{Zs}\\t"), Map.entry("cntrl", "\\p{Cc}"),
            Map.entry("digit", "\\p{Nd}"), Map.entry("lower", "\\p{IsLowercase}"), Map.entry("lowercase", "\\p{IsLowercase}"),
            Map.entry("punct", "\\p{P}\\p{S}"), Map.entry("space", "\\p{IsWhite_Space}"),
            Map.entry("whitespace", "\\p{IsWhite_Space}"), Map.entry("upper", "\\p{IsUppercase}"),
            Map.entry("uppercase", "\\p{IsUppercase}"), Map.entry("xdigit", "0-9a-fA-F"),
            Map.entry("word", "\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}"), Map.entry("any", "\\x{0}-\\x{10FFFF}"),
            Map.entry("emoji", "\\p{IsEmoji}"), Map.entry("ideographic", "\\p{IsIdeographic}"));

    /** Unicode's general categories: the long names. */
    private static final Map<String, String> CATEGORIES = Map.ofEntries(
            Map.entry("letter", "L"), Map.entry("casedletter", "LC"), Map.entry("uppercaseletter", "Lu"),
            Map.entry("lowercaseletter", "Ll"), Map.entry("titlecaseletter", "Lt"), Map.entry("modifierletter", "Lm"),
            Map.entry("otherletter", "Lo"), Map.entry("mark", "M"), Map.entry("nonspacingmark", "Mn"),
            Map.entry("spacingmark", "Mc"), Map.entry("enclosingmark", "Me"), Map.entry("number", "N"),
            Map.entry("decimalnumber", "Nd"), Map.entry("letternumber", "Nl"), Map.entry("othernumber", "No"),
            Map.entry("punctuation", "P"), Map.entry("connectorpunctuation", "Pc"), Map.entry("dashpunctuation", "Pd"),
            Map.entry("openpunctuation", "Ps"), Map.entry("closepunctuation", "Pe"), Map.entry("initialpunctuation", "Pi"),
            Map.entry("finalpunctuation", "Pf"), Map.entry("otherpunctuation", "Po"), Map.entry("symbol", "S"),
            Map.entry("mathsymbol", "Sm"), Map.entry("currencysymbol", "Sc"), Map.entry("modifiersymbol", "Sk"),
            Map.entry("othersymbol", "So"), Map.entry("separator", "Z"), Map.entry("spaceseparator", "Zs"),
            Map.entry("lineseparator", "Zl"), Map.entry("paragraphseparator", "Zp"), Map.entry("other", "C"),
            Map.entry("control", "Cc"), Map.entry("format", "Cf"), Map.entry("surrogate", "Cs"),
            Map.entry("privateuse", "Co"), Map.entry("unassigned", "Cn"));

    private final String source;
    private final StringBuilder out;
    private int at;

    OnigurumaBrackets(String source, int at, StringBuilder out) {
        this.source = source;
        this.at = at;
        this.out = out;
    }

    /** Where the class in brackets that begins here ends. */
    static int end(String source, int at) {
        OnigurumaBrackets brackets = new OnigurumaBrackets(source, at, new StringBuilder());
        brackets.copy();
        return brackets.at;
    }

    /** Copies a class from its bracket to the one that closes it. */
    void copy() {
        out.append('[');
        at++;
        if (peek('^')) {
            out.append('^');
            at++;
        }
        boolean single = false; // whether a range may begin with what was there before
        if (peek(']')) {
            out.append("\\]");
            at++;
            single = true;
        }
        while (!peek(']')) {
            if (at >= source.length()) {
                throw new IllegalArgumentException("a bracket is not closed");
            }
            single = element(single);
        }
        out.append(']');
        at++;
    }

    private boolean element(boolean afterSingle) {
        char c = source.charAt(at);
        if (source.startsWith("[:", at)) {
            int end = source.indexOf(":]", at);
            if (end > 0 && source.substring(at + 2, end).matches("\\^?[a-z]+")) {
                String name = source.substring(at + 2, end);
                out.append(property(name.startsWith("^") ? name.substring(1) : name, name.startsWith("^")));
                at = end + 2;
                return false;
            }
        }
        if (c == '[') {
            copy();
            return false;
        }
        if (source.startsWith("&&", at)) {
            out.append("&&");
            at += 2;
            return false;
        }
        if (c == '-') {
            boolean range = afterSingle && at + 1 < source.length() && source.charAt(at + 1) != ']' && !isClass(at + 1);
            out.append(range ? "-" : "\\-");
            at++;
            if (range) {
                element(false);
            }
            return false;
        }
        if (c == '\\') {
            return bracketEscape();
        }
        int point = source.codePointAt(at);
        out.append(Character.isLetterOrDigit(point) || point > 127 ? "" : "\\").appendCodePoint(point);
        at += Character.charCount(point);
        return true;
    }

    private boolean isClass(int from) {
        return source.charAt(from) == '[' || source.startsWith("&&", from)
                || source.charAt(from) == '\\' && from + 1 < source.length() && "wWdDsShHpP".indexOf(source.charAt(from + 1)) >= 0;
    }

    private boolean bracketEscape() {
        char letter = at + 1 < source.length() ? source.charAt(at + 1) : '\0';
        String kind = switch (letter) {
            case 'w' -> WORD;
            case 'W' -> NO_WORD;
            case 'h' -> "0-9a-fA-F";
            case 'H' -> "[^0-9a-fA-F]";
            case 'd', 'D', 's', 'S' -> "\\" + letter;
            default -> null;
        };
        if (kind != null) {
            out.append(kind);
            at += 2;
            return false;
        }
        boolean single = letter != 'p' && letter != 'P';
        if (letter == 'b') { // in brackets the backspace
            out.append("\\x08");
            at += 2;
        } else {
            at = escape(source, at, out);
        }
        return single;
    }

    private boolean peek(char c) {
        return at < source.length() && source.charAt(at) == c;
    }

    /**
     * An escape that is the same in brackets and outside: a character or a property.
     *
     * @return where it ends in the source
     */
    static int escape(String source, int at, StringBuilder out) {
        char letter = source.charAt(at + 1);
        switch (letter) {
            case 'n', 'r', 't', 'f', 'a', 'e' -> {
                out.append('\\').append(letter);
                return at + 2;
            }
            case 'v' -> {
                out.append("\\x0B");
                return at + 2;
            }
            case 'x', 'u' -> {
                return number(source, at, out);
            }
            case 'p', 'P' -> {
                int end = source.indexOf('}', at);
                if (!source.startsWith("{", at + 2) || end < 0) {
                    throw new IllegalArgumentException("\\" + letter + " is not followed by a name in braces");
                }
                String name = source.substring(at + 3, end);
                boolean not = name.startsWith("^");
                out.append(property(not ? name.substring(1) : name, not != (letter == 'P')));
                return end + 1;
            }
            default -> {
                int point = source.codePointAt(at + 1);
                if (point < 128 && Character.isLetterOrDigit(point)) {
                    throw new IllegalArgumentException("it has \\" + letter + ", which is not known here");
                }
                out.append(point < 128 ? "\\" : "").appendCodePoint(point);
                return at + 1 + Character.charCount(point);
            }
        }
    }

    private static int number(String source, int at, StringBuilder out) {
        boolean braces = source.startsWith("{", at + 2);
        int from = braces ? at + 3 : at + 2;
        int longest = braces ? 8 : source.charAt(at + 1) == 'u' ? 4 : 2;
        int to = from;
        while (to < source.length() && to - from < longest && Character.digit(source.charAt(to), 16) >= 0) {
            to++;
        }
        boolean whole = to > from && (!braces || source.startsWith("}", to)) && (source.charAt(at + 1) == 'x' || to - from == 4);
        if (!whole || Long.parseLong(source.substring(from, to), 16) > Character.MAX_CODE_POINT) {
            throw new IllegalArgumentException("\\" + source.charAt(at + 1) + " is not followed by the number of a character");
        }
        out.append("\\x{").append(source, from, to).append('}');
        return braces ? to + 1 : to;
    }

    private static String property(String written, boolean not) {
        String name = written.toLowerCase(Locale.ROOT).replaceAll("[ _-]", "");
        String inBrackets = PROPERTIES.get(name);
        if (inBrackets == null) {
            inBrackets = "\\p{" + named(written, name) + "}";
        }
        return (not ? "[^" : "[") + inBrackets + "]";
    }

    private static String named(String written, String name) {
        String category = CATEGORIES.get(name);
        if (category != null) {
            return category;
        }
        for (String known : CATEGORIES.values()) {
            if (known.equalsIgnoreCase(name)) {
                return known;
            }
        }
        try {
            return name.startsWith("in") && name.length() > 3
                    ? "In" + written.substring(2).replaceAll("^[ _-]", "") : "Is" + UnicodeScript.forName(written);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("it has \\p{" + written + "}, which is not known here", e);
        }
    }
}
