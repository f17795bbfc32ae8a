package org.lora4j.chat.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** {@code value | filter}: those for texts and numbers; {@link SequenceFilters} has the others. */
final class Filters {

    /** What a value becomes. */
    @FunctionalInterface
    interface Filter {
        Object apply(Object value, Arguments arguments);
    }

    private static final Pattern WORD_BEGINS = Pattern.compile("(?<=[-\\s({\\[<])", Pattern.UNICODE_CHARACTER_CLASS);
    private static final Map<String, Filter> FILTERS = new HashMap<>();

    static {
        put((value, given) -> {
            Arguments.Bound bound = given.bind("default", "default_value", "boolean");
            boolean missing = value instanceof Undefined || Values.truth(bound.get("boolean", false)) && !Values.truth(value);
            return missing ? bound.get("default_value", "") : value;
        }, "default", "d");
        put((value, given) -> (long) Values.length(value), "length", "count");
        put((value, given) -> StringMethods.stripped(Values.text(value), given.bind("trim", "chars").has("chars")
                ? given.bind("trim", "chars").text("chars") : null, true, true), "trim");
        put((value, given) -> Values.text(value).toUpperCase(Locale.ROOT), "upper");
        put((value, given) -> Values.text(value).toLowerCase(Locale.ROOT), "lower");
        put((value, given) -> StringMethods.capitalized(Values.text(value)), "capitalize");
        put((value, given) -> title(Values.text(value)), "title");
        put((value, given) -> Values.text(value), "string", "safe");
        put((value, given) -> escaped(Values.text(value)), "escape", "e", "forceescape");
        put((value, given) -> {
            Arguments.Bound bound = given.bind("replace", "old", "new", "count");
            return StringMethods.replaced(Values.text(value), Values.text(bound.get("old")), Values.text(bound.get("new")),
                    bound.number("count", -1));
        }, "replace");
        put((value, given) -> PythonText.format(Values.text(value), given.named().isEmpty() ? new Tuple(given.positional())
                : given.named()), "format");
        put((value, given) -> indented(value, given.bind("indent", "width", "first", "blank")), "indent");
        put((value, given) -> json(value, given.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys")), "tojson");
        put((value, given) -> truncated(Values.text(value), given.bind("truncate", "length", "killwords", "end", "leeway")), "truncate");
        put((value, given) -> Members.call(Members.attribute(Values.text(value), "center"),
                Arguments.of(given.bind("center", "width").get("width", 80L))), "center");
        put(Filters::whole, "int");
        put((value, given) -> {
            Double real = real(value);
            return real != null ? real : given.bind("float", "default").get("default", 0.0);
        }, "float");
        put((value, given) -> {
            if (!Values.isNumber(value)) {
                throw Values.unsuited("abs", value, value);
            }
            return Values.whole(value) != null ? (Object) Math.abs(Values.whole(value)) : (Object) Math.abs(Values.real(value));
        }, "abs");
        put((value, given) -> rounded(value, given.bind("round", "precision", "method")), "round");
        put((value, given) -> Members.attribute(value, given.bind("attr", "name").text("name")), "attr");
        SequenceFilters.ALL.forEach((name, filter) -> put(filter, name));
        put((value, given) -> Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS).matcher(Values.text(value)).results().count(),
                "wordcount");
    }

    private Filters() {
    }

    private static void put(Filter filter, String... names) {
        for (String name : names) {
            FILTERS.put(name, filter);
        }
    }

    /** Null where there is none of that name. */
    static @Nullable Filter named(String name) {
        return FILTERS.get(name);
    }

    static Filter required(String name) {
        Filter filter = FILTERS.get(name);
        if (filter == null) {
            throw new JinjaException("no filter is called " + name);
        }
        return filter;
    }

    private static String title(String text) {
        StringBuilder out = new StringBuilder();
        for (String word : WORD_BEGINS.split(text)) {
            if (!word.isEmpty()) {
                int first = Character.charCount(word.codePointAt(0));
                out.append(word.substring(0, first).toUpperCase(Locale.ROOT)).append(word.substring(first).toLowerCase(Locale.ROOT));
            }
        }
        return out.toString();
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;").replace("\"", "&#34;");
    }

    private static String indented(Object value, Arguments.Bound bound) {
        if (!(value instanceof String text)) {
            throw Values.unsuited("indent", value, value);
        }
        String indent = bound.get("width", 4L) instanceof String s ? s : " ".repeat(Math.max(0, Math.min(10_000, bound.number("width", 4))));
        boolean blank = Values.truth(bound.get("blank", false));
        StringBuilder out = new StringBuilder(Values.truth(bound.get("first", false)) ? indent : "");
        List<Object> lines = StringMethods.lines(text + "\n", false);
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            out.append(i == 0 ? "" : "\n").append(i > 0 && (blank || !line.isEmpty()) ? indent : "").append(line);
            if (out.length() > Run.LONGEST) {
                throw Run.tooLong();
            }
        }
        return out.toString();
    }

    private static String json(Object value, Arguments.Bound bound) {
        Object indent = bound.get("indent", None.NONE);
        String by = indent == None.NONE ? null
                : indent instanceof String s ? s : " ".repeat(Math.max(0, Math.min(1000, Values.index(indent))));
        Object separators = bound.get("separators", None.NONE);
        String[] between = separators instanceof List<?> list && list.size() == 2
                ? new String[] {Values.text(list.get(0)), Values.text(list.get(1))}
                : new String[] {by == null ? ", " : ",", ": "};
        if (separators != None.NONE && !(separators instanceof List<?> list && list.size() == 2)) {
            throw new JinjaException("tojson: expected two separators");
        }
        return PythonText.json(value, Values.truth(bound.get("ensure_ascii", false)), by, between,
                Values.truth(bound.get("sort_keys", false)));
    }

    private static String truncated(String text, Arguments.Bound bound) {
        int length = bound.number("length", 255);
        String end = bound.text("end", "...");
        if (text.length() <= length + bound.number("leeway", 5)) {
            return text;
        }
        if (length < end.length()) {
            throw new JinjaException("truncate(): length is less than that of the end");
        }
        String cut = text.substring(0, length - end.length());
        int space = cut.lastIndexOf(' ');
        return (Values.truth(bound.get("killwords", false)) || space < 0 ? cut : cut.substring(0, space)) + end;
    }

    private static @Nullable Double real(Object value) {
        if (Values.isNumber(value)) {
            return Values.real(value);
        }
        try {
            return value instanceof String text ? Double.valueOf(StringMethods.stripped(text, null, true, true)) : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static Object whole(Object value, Arguments given) {
        Arguments.Bound bound = given.bind("int", "default", "base");
        if (value instanceof String text) {
            try {
                return Long.parseLong(StringMethods.stripped(text, null, true, true).replace("_", ""), bound.number("base", 10));
            } catch (NumberFormatException e) {
                // "42.7" is 42, as below
            }
        }
        Double real = real(value);
        return real == null || real.isNaN() || real.isInfinite() ? bound.get("default", 0L)
                : Values.whole(value) != null ? Values.whole(value) : (Object) real.longValue();
    }

    private static Object rounded(Object value, Arguments.Bound bound) {
        if (!Values.isNumber(value)) {
            throw Values.unsuited("round", value, value);
        }
        int precision = bound.number("precision", 0);
        RoundingMode mode = switch (bound.text("method", "common")) {
            case "common" -> RoundingMode.HALF_EVEN;
            case "ceil" -> RoundingMode.CEILING;
            case "floor" -> RoundingMode.FLOOR;
            default -> throw new JinjaException("round(): method must be common, ceil or floor");
        };
        if (Values.whole(value) != null && mode == RoundingMode.HALF_EVEN) {
            return new BigDecimal(Values.whole(value)).setScale(precision, mode).longValueExact();
        }
        double real = Values.real(value);
        if (mode == RoundingMode.HALF_EVEN) {
            return new BigDecimal(real).setScale(precision, mode).doubleValue();
        }
        double scale = Math.pow(10, precision);
        return (mode == RoundingMode.CEILING ? Math.ceil(real * scale) : Math.floor(real * scale)) / scale;
    }
}
