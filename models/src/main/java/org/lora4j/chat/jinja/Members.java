package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code a.b} and {@code a[b]}: a method goes first in the one, an item in the other. Nothing else of an object can be
 * reached, and what would change a list or a map is refused, as in Jinja's immutable sandbox.
 */
final class Members {

    private static final Set<String> CHANGE_LIST = Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> CHANGE_MAP = Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Members() {
    }

    static Object attribute(Object object, String name) {
        refuseUndefined(object);
        Object found = method(object, name);
        found = found != null ? found : item(object, name);
        return found != null ? found : missing(object, name);
    }

    static Object subscript(Object object, Object key) {
        refuseUndefined(object);
        Object found = item(object, key);
        found = found != null || !(key instanceof String name) ? found : method(object, name);
        return found != null ? found : missing(object, key);
    }

    private static void refuseUndefined(Object object) {
        if (object instanceof Undefined undefined) {
            throw undefined.used();
        }
    }

    private static Undefined missing(Object object, Object key) {
        return new Undefined(object instanceof Map<?, ?> || object instanceof Namespace
                ? Values.typeName(object) + " has no " + PythonText.repr(key)
                : Values.typeName(object) + " has no element " + PythonText.repr(key));
    }

    private static @Nullable Object item(Object object, Object key) {
        if (object instanceof Map<?, ?> map) {
            return Values.item(map, key);
        }
        Long index = Values.whole(key);
        if (index == null || !(object instanceof List<?>) && !(object instanceof String)) {
            return null;
        }
        int size = Values.length(object);
        long at = index < 0 ? index + size : index;
        if (at < 0 || at >= size) {
            return null;
        }
        return object instanceof List<?> list ? list.get((int) at)
                : Character.toString(((String) object).codePointAt(((String) object).offsetByCodePoints(0, (int) at)));
    }

    private static @Nullable Object method(Object object, String name) {
        return switch (object) {
            case String text -> StringMethods.of(text, name);
            case Namespace namespace -> namespace.attributes().get(name);
            case Loop loop -> loop.attribute(name);
            case Map<?, ?> map -> CHANGE_MAP.contains(name) ? refused("dict", name) : ofMap(map, name);
            case List<?> list -> !(list instanceof Tuple) && CHANGE_LIST.contains(name) ? refused("list", name) : ofList(list, name);
            case Cycler cycler -> cycler.attribute(name);
            default -> null;
        };
    }

    private static Callable refused(String type, String name) {
        return given -> {
            throw new JinjaException(name + "() would change a " + type + ", which templates may not do");
        };
    }

    private static @Nullable Callable ofMap(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> given -> pairs(map);
            case "keys" -> given -> new ArrayList<Object>(map.keySet());
            case "values" -> given -> new ArrayList<Object>(map.values());
            case "copy" -> given -> new LinkedHashMap<>(map);
            case "get" -> given -> {
                Arguments.Bound bound = given.bind(name, "key", "default");
                Object found = Values.item(map, bound.get("key"));
                return found != null ? found : bound.get("default", None.NONE);
            };
            default -> null;
        };
    }

    static List<Object> pairs(Map<?, ?> map) {
        List<Object> pairs = new ArrayList<>();
        map.forEach((key, value) -> pairs.add(Tuple.of(key, value)));
        return pairs;
    }

    private static @Nullable Callable ofList(List<?> list, String name) {
        return switch (name) {
            case "copy" -> given -> new ArrayList<Object>(list);
            case "count" -> given -> {
                Object wanted = given.bind(name, "value").get("value");
                return list.stream().filter(item -> Values.equal(item, wanted)).count();
            };
            case "index" -> given -> {
                Object wanted = given.bind(name, "value").get("value");
                for (int i = 0; i < list.size(); i++) {
                    if (Values.equal(list.get(i), wanted)) {
                        return (long) i;
                    }
                }
                throw new JinjaException("index(): " + PythonText.repr(wanted) + " is not in the list");
            };
            default -> null;
        };
    }

    static Object call(Object function, Arguments arguments) {
        if (function instanceof Callable callable) {
            return callable.call(arguments);
        }
        refuseUndefined(function);
        throw new JinjaException(Values.typeName(function) + " cannot be called");
    }
}
