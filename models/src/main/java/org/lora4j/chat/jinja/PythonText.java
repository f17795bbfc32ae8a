package org.lora4j.chat.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Values as Python writes them: {@code repr}, {@code json.dumps}, {@code %}. */
final class PythonText {

    private static final Pattern FIELD = Pattern.compile("%(?:\\((\\w+)\\))?([-+ 0#]*)(\\d*)(?:\\.(\\d+))?([a-zA-Z%])");

    private PythonText() {
    }

    static String repr(Object value) {
        return switch (value) {
            case String text -> quoted(text);
            case Boolean b -> b ? "True" : "False";
            case None none -> "None";
            case Double d -> number(d);
            case Tuple tuple -> "(" + reprs(tuple) + (tuple.size() == 1 ? ",)" : ")");
            case List<?> list -> "[" + reprs(list) + "]";
            case Map<?, ?> map -> map.entrySet().stream().map(entry -> repr(entry.getKey()) + ": " + repr(entry.getValue()))
                    .collect(Collectors.joining(", ", "{", "}"));
            case Namespace namespace -> "<Namespace " + repr(namespace.attributes()) + ">";
            case Undefined undefined -> "Undefined";
            case Callable callable -> "<function>";
            default -> value.toString();
        };
    }

    private static String reprs(List<?> items) {
        return items.stream().map(PythonText::repr).collect(Collectors.joining(", "));
    }

    private static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder out = new StringBuilder().append(quote);
        text.codePoints().forEach(c -> {
            if (c == quote || c == '\\') {
                out.append('\\').append((char) c);
            } else if (c == '\n' || c == '\r' || c == '\t') {
                out.append(c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
            } else if (c != ' ' && !isPrintable(c)) {
                out.append(c < 0x100 ? "\\x%02x".formatted(c) : c < 0x10000 ? "\\u%04x".formatted(c) : "\\U%08x".formatted(c));
            } else {
                out.appendCodePoint(c);
            }
        });
        return out.append(quote).toString();
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE, Character.UNASSIGNED,
                 Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR, Character.SPACE_SEPARATOR -> false;
            default -> true;
        };
    }

    /** The shortest digits that say the number: {@code 1.0}, {@code 1e-05}, {@code 1e+16}. */
    static String number(double d) {
        if (Double.isNaN(d) || Double.isInfinite(d)) {
            return Double.isNaN(d) ? "nan" : d > 0 ? "inf" : "-inf";
        }
        if (d == 0) {
            return 1 / d < 0 ? "-0.0" : "0.0";
        }
        BigDecimal exact = new BigDecimal(Double.toString(d)).stripTrailingZeros();
        int exponent = exact.precision() - exact.scale() - 1;
        if (exponent >= -4 && exponent < 16) {
            return exact.scale() <= 0 ? exact.toPlainString() + ".0" : exact.toPlainString();
        }
        String digits = exact.unscaledValue().abs().toString();
        return (d < 0 ? "-" : "") + digits.charAt(0) + (digits.length() > 1 ? "." + digits.substring(1) : "")
                + "e" + (exponent < 0 ? "-" : "+") + "%02d".formatted(Math.abs(exponent));
    }

    // ------------------------------------------------------------------------------------------------ JSON

    /**
     * {@code json.dumps}.
     *
     * @param indent null for one line
     */
    static String json(Object value, boolean ascii, @Nullable String indent, String[] separators, boolean sorted) {
        StringBuilder out = new StringBuilder();
        json(out, value, new Style(ascii, indent, separators, sorted), 0);
        return out.toString();
    }

    private record Style(boolean ascii, @Nullable String indent, String[] separators, boolean sorted) {
    }

    private static void json(StringBuilder out, Object value, Style style, int depth) {
        if (out.length() > Run.LONGEST || depth > 500) {
            throw Run.tooLong();
        }
        switch (value) {
            case String text -> jsonText(out, text, style.ascii);
            case Boolean b -> out.append(b);
            case None none -> out.append("null");
            case Long n -> out.append(n);
            case Double d -> out.append(Double.isNaN(d) ? "NaN" : Double.isInfinite(d) ? d > 0 ? "Infinity" : "-Infinity" : number(d));
            case List<?> list -> jsonItems(out, '[', ']', list, style, depth, item -> json(out, item, style, depth + 1));
            case Map<?, ?> map -> {
                List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
                if (style.sorted) {
                    entries.sort(Comparator.comparing(Map.Entry::getKey, (a, b) -> Values.compare(a, b, "<")));
                }
                jsonItems(out, '{', '}', entries, style, depth, entry -> {
                    jsonText(out, key(entry.getKey()), style.ascii);
                    out.append(style.separators[1]);
                    json(out, entry.getValue(), style, depth + 1);
                });
            }
            default -> throw new JinjaException("tojson: " + Values.typeName(value) + " is nothing that JSON has");
        }
    }

    private static String key(Object key) {
        return key instanceof String text ? text : key instanceof Boolean b ? b.toString() : key == None.NONE ? "null" : repr(key);
    }

    private static <T> void jsonItems(
            StringBuilder out, char begin, char end, List<T> items, Style style, int depth, Consumer<T> write) {
        out.append(begin);
        for (int i = 0; i < items.size(); i++) {
            out.append(i > 0 ? style.separators[0] : "");
            out.append(style.indent == null ? "" : "\n" + style.indent.repeat(depth + 1));
            write.accept(items.get(i));
        }
        out.append(style.indent == null || items.isEmpty() ? "" : "\n" + style.indent.repeat(depth)).append(end);
    }

    private static void jsonText(StringBuilder out, String text, boolean ascii) {
        out.append('"');
        for (char c : text.toCharArray()) {
            int known = "\"\\\n\r\t\b\f".indexOf(c);
            if (known >= 0) {
                out.append('\\').append("\"\\nrtbf".charAt(known));
            } else if (c < ' ' || ascii && c > '~') {
                out.append("\\u%04x".formatted((int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    // ------------------------------------------------------------------------------------------------ %, escapes

    /** {@code template % values}. */
    static String format(String template, Object values) {
        List<?> row = values instanceof Tuple tuple ? tuple : List.of(values);
        Matcher field = FIELD.matcher(template);
        StringBuilder out = new StringBuilder();
        int at = 0;
        int used = 0;
        while (field.find()) {
            out.append(literal(template, at, field.start()));
            at = field.end();
            char kind = field.group(5).charAt(0);
            if (kind == '%') {
                out.append('%');
                continue;
            }
            Object value;
            if (field.group(1) != null) {
                value = values instanceof Map<?, ?> map ? Values.item(map, field.group(1)) : null;
            } else {
                value = used < row.size() ? row.get(used++) : null;
            }
            if (value == null) {
                throw new JinjaException("there are fewer values than fields in " + repr(template));
            }
            out.append(padded(field, kind, value));
        }
        out.append(literal(template, at, template.length()));
        if (used < row.size() && !(values instanceof Map<?, ?>)) {
            throw new JinjaException("there are more values than fields in " + repr(template));
        }
        return out.toString();
    }

    private static String literal(String template, int from, int to) {
        if (template.substring(from, to).indexOf('%') >= 0) {
            throw new JinjaException("a field in " + repr(template) + " is none that % knows");
        }
        return template.substring(from, to);
    }

    private static String padded(Matcher field, char kind, Object value) {
        String flags = field.group(2);
        int digits = field.group(4) == null ? -1 : Integer.parseInt(field.group(4));
        int width = field.group(3).isEmpty() ? 0 : Integer.parseInt(field.group(3));
        if (width > 10_000 || digits > 1_000) {
            throw Run.tooLong();
        }
        String text = switch (kind) {
            case 's', 'r' -> {
                String whole = kind == 's' ? Values.text(value) : repr(value);
                yield digits >= 0 && digits < whole.length() ? whole.substring(0, digits) : whole;
            }
            case 'd', 'i' -> Long.toString((long) number(kind, value));
            case 'x' -> Long.toHexString((long) number(kind, value));
            case 'f' -> new BigDecimal(number(kind, value)).setScale(digits < 0 ? 6 : digits, RoundingMode.HALF_EVEN).toPlainString();
            case 'e' -> String.format(Locale.ROOT, "%." + (digits < 0 ? 6 : digits) + "e", number(kind, value));
            default -> throw new JinjaException("% has no field %" + kind + " here");
        };
        boolean isNumber = "dixfe".indexOf(kind) >= 0;
        text = isNumber && !text.startsWith("-") && flags.contains("+") ? "+" + text
                : isNumber && !text.startsWith("-") && flags.contains(" ") ? " " + text : text;
        String filling = " ".repeat(Math.max(0, width - text.codePointCount(0, text.length())));
        if (flags.contains("-")) {
            return text + filling;
        }
        boolean signed = !text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0;
        return flags.contains("0") && isNumber
                ? (signed ? text.charAt(0) : "") + filling.replace(' ', '0') + text.substring(signed ? 1 : 0) : filling + text;
    }

    private static double number(char kind, Object value) {
        if (!Values.isNumber(value)) {
            throw new JinjaException("%" + kind + ": expected a number, found " + Values.typeName(value));
        }
        return Values.real(value);
    }

    /** A text as it stands between quotation marks. */
    static String unescaped(String text, int line) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\\' || i + 1 == text.length()) {
                out.append(c);
                continue;
            }
            char escape = text.charAt(++i);
            int known = "\\'\"abfnrtv\n".indexOf(escape);
            int length = escape == 'x' ? 2 : escape == 'u' ? 4 : escape == 'U' ? 8 : 0;
            if (known >= 0) {
                out.append(known == 10 ? "" : "\\'\"\u0007\b\f\n\r\t\u000b".charAt(known));
            } else if (length > 0) {
                Matcher hex = Pattern.compile("[\\da-fA-F]{" + length + "}").matcher(text).region(i + 1, text.length());
                if (!hex.lookingAt() || Long.parseLong(hex.group(), 16) > Character.MAX_CODE_POINT) {
                    throw new JinjaException("\\" + escape + ": expected " + length + " hexadecimal digits of a character", line, false);
                }
                out.appendCodePoint(Integer.parseInt(hex.group(), 16));
                i += length;
            } else if (escape >= '0' && escape <= '7') {
                int end = i + 1;
                while (end < text.length() && end < i + 3 && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
                    end++;
                }
                out.append((char) Integer.parseInt(text.substring(i, end), 8));
                i = end - 1;
            } else {
                out.append('\\').append(escape);
            }
        }
        return out.toString();
    }
}
