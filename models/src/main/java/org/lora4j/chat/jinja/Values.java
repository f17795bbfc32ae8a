package org.lora4j.chat.jinja;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The values of templates and what Python thinks of them:
 *
 * <pre>
 *   str → String   int → Long   float → Double   bool → Boolean   None → {@link None}   list → List   dict → Map
 * </pre>
 */
public final class Values {

    private Values() {
    }

    /** Of JSON; a whole number beyond a long becomes a double. */
    public static Object of(JsonNode json) {
        if (json.isObject()) {
            Map<String, Object> map = new LinkedHashMap<>();
            json.properties().forEach(entry -> map.put(entry.getKey(), of(entry.getValue())));
            return map;
        }
        if (json.isArray()) {
            List<Object> list = new ArrayList<>(json.size());
            json.forEach(item -> list.add(of(item)));
            return list;
        }
        return json.isTextual() ? json.textValue() : json.isBoolean() ? (Object) json.booleanValue()
                : json.canConvertToLong() && json.isIntegralNumber() ? (Object) json.longValue()
                : json.isNumber() ? (Object) json.doubleValue() : None.NONE;
    }

    static boolean truth(Object value) {
        return switch (value) {
            case Boolean b -> b;
            case Long n -> n != 0;
            case Double d -> d != 0;
            case String s -> !s.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            case None none -> false;
            case Undefined undefined -> false;
            default -> true;
        };
    }

    /** {@code str(value)}. */
    static String text(Object value) {
        return value instanceof String text ? text : value instanceof Undefined ? "" : PythonText.repr(value);
    }

    static String typeName(Object value) {
        return switch (value) {
            case Boolean b -> "bool";
            case Long n -> "int";
            case Double d -> "float";
            case String s -> "str";
            case Tuple tuple -> "tuple";
            case List<?> list -> "list";
            case Map<?, ?> map -> "dict";
            case None none -> "None";
            case Undefined undefined -> "undefined";
            case Namespace namespace -> "namespace";
            default -> "function";
        };
    }

    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static double real(Object value) {
        return value instanceof Boolean b ? b ? 1 : 0 : ((Number) value).doubleValue();
    }

    /** A whole number, or null where it is none; True is 1. */
    static @Nullable Long whole(Object value) {
        return value instanceof Long n ? n : value instanceof Boolean b ? Long.valueOf(b ? 1 : 0) : null;
    }

    /** A whole number that counts or points. */
    static int index(Object value) {
        Long whole = whole(value);
        if (whole == null) {
            throw value instanceof Undefined undefined ? undefined.used()
                    : new JinjaException("expected a whole number, found " + typeName(value));
        }
        return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, whole));
    }

    static boolean equal(Object a, Object b) {
        if (isNumber(a) && isNumber(b)) {
            Long x = whole(a);
            Long y = whole(b);
            return x != null && y != null ? x.equals(y) : real(a) == real(b);
        }
        if (a instanceof List<?> left && b instanceof List<?> right) {
            boolean same = a instanceof Tuple == b instanceof Tuple && left.size() == right.size();
            for (int i = 0; same && i < left.size(); i++) {
                same = equal(left.get(i), right.get(i));
            }
            return same;
        }
        if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
            return left.size() == right.size() && left.entrySet().stream().allMatch(entry -> {
                Object other = item(right, entry.getKey());
                return other != null && equal(entry.getValue(), other);
            });
        }
        return Objects.equals(a, b);
    }

    /** The value of a key; null where there is none. */
    static @Nullable Object item(Map<?, ?> map, Object key) {
        Object value = map.get(key);
        if (value == null && isNumber(key)) { // 1, 1.0 and True are one key
            return map.entrySet().stream().filter(entry -> equal(entry.getKey(), key)).map(Map.Entry::getValue).findFirst().orElse(null);
        }
        return value;
    }

    /** −, 0 or +. */
    static int compare(Object a, Object b, String operator) {
        if (isNumber(a) && isNumber(b)) {
            Long x = whole(a);
            Long y = whole(b);
            return x != null && y != null ? Long.compare(x, y) : Double.compare(real(a), real(b));
        }
        if (a instanceof String x && b instanceof String y) {
            return compareTexts(x, y);
        }
        if (a instanceof List<?> x && b instanceof List<?> y && a instanceof Tuple == b instanceof Tuple) {
            for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                if (!equal(x.get(i), y.get(i))) {
                    return compare(x.get(i), y.get(i), operator);
                }
            }
            return Integer.compare(x.size(), y.size());
        }
        throw unsuited(operator, a, b);
    }

    /** By code points. */
    private static int compareTexts(String x, String y) {
        int i = 0;
        while (i < x.length() && i < y.length() && x.charAt(i) == y.charAt(i)) {
            i++;
        }
        if (i == x.length() || i == y.length()) {
            return Integer.compare(x.length(), y.length());
        }
        char a = x.charAt(i);
        char b = y.charAt(i);
        return Character.isSurrogate(a) != Character.isSurrogate(b) ? (Character.isSurrogate(a) ? 1 : -1) : Character.compare(a, b);
    }

    static JinjaException unsuited(String operator, Object a, Object b) {
        for (Object one : new Object[] {a, b}) {
            if (one instanceof Undefined undefined) {
                return undefined.used();
            }
        }
        return new JinjaException(operator + " does not go with " + typeName(a) + " and " + typeName(b));
    }

    /** What a loop goes through. */
    static List<Object> items(Object value) {
        return switch (value) {
            case List<?> list -> List.copyOf(list);
            case Map<?, ?> map -> List.copyOf(map.keySet());
            case String text -> text.codePoints().<Object>mapToObj(Character::toString).toList();
            case Undefined undefined -> List.of();
            default -> throw new JinjaException("expected a list, found " + typeName(value));
        };
    }

    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text when item instanceof String part -> text.contains(part);
            case String text -> throw unsuited("in", item, container);
            case Map<?, ?> map -> item(map, item) != null;
            default -> items(container).stream().anyMatch(one -> equal(one, item));
        };
    }

    static int length(Object value) {
        return value instanceof String text ? text.codePointCount(0, text.length())
                : value instanceof List<?> list ? list.size() : value instanceof Map<?, ?> map ? map.size() : sizeless(value);
    }

    private static int sizeless(Object value) {
        if (value instanceof Undefined) {
            return 0;
        }
        throw new JinjaException(typeName(value) + " has no length");
    }

    /** From begin to before end by steps, as Python counts; {@link None} for what is not said. */
    static Object slice(Object value, Object begin, Object end, Object step) {
        int by = step == None.NONE ? 1 : index(step);
        if (by == 0) {
            throw new JinjaException("a slice's step is 0");
        }
        if (value instanceof Undefined undefined) {
            throw undefined.used();
        }
        if (!(value instanceof String) && !(value instanceof List<?>)) {
            throw new JinjaException(typeName(value) + " has no slices");
        }
        List<Object> all = items(value);
        int size = all.size();
        int from = begin == None.NONE ? by > 0 ? 0 : size - 1 : clamp(index(begin), size, by);
        int to = end == None.NONE ? by > 0 ? size : -1 : clamp(index(end), size, by);
        List<Object> taken = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            taken.add(all.get((int) i));
        }
        return value instanceof String ? String.join("", taken.stream().map(Values::text).toList())
                : value instanceof Tuple ? new Tuple(taken) : taken;
    }

    private static int clamp(int at, int size, int step) {
        int counted = at < 0 ? at + size : at;
        return step > 0 ? Math.max(0, Math.min(size, counted)) : Math.max(-1, Math.min(size - 1, counted));
    }
}
