package org.lora4j.chat.jinja;

import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** What a function, a filter or a test is called with. */
record Arguments(List<Object> positional, Map<String, Object> named) {

    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Object... positional) {
        return new Arguments(Arrays.asList(positional), Map.of());
    }

    /** The arguments by the names of the parameters, in their order; more, or others, are an error. */
    Bound bind(String function, String... parameters) {
        List<String> known = List.of(parameters);
        if (positional.size() > known.size()) {
            throw new JinjaException(function + "() takes at most " + known.size() + " arguments, found " + positional.size());
        }
        for (String name : named.keySet()) {
            int at = known.indexOf(name);
            if (at < 0 || at < positional.size()) {
                throw new JinjaException(function + "() " + (at < 0 ? "has no argument " : "is given twice its argument ") + name);
            }
        }
        return new Bound(function, known, this);
    }

    record Bound(String function, List<String> parameters, Arguments arguments) {

        Object get(String name, Object otherwise) {
            int at = parameters.indexOf(name);
            return at < arguments.positional.size() ? arguments.positional.get(at) : arguments.named.getOrDefault(name, otherwise);
        }

        Object get(String name) {
            if (!has(name)) {
                throw new JinjaException(function + "() needs its argument " + name);
            }
            return get(name, None.NONE);
        }

        boolean has(String name) {
            return parameters.indexOf(name) < arguments.positional.size() || arguments.named.containsKey(name);
        }

        String text(String name) {
            if (get(name) instanceof String text) {
                return text;
            }
            throw new JinjaException(function + "(): expected a text as " + name + ", found " + Values.typeName(get(name)));
        }

        String text(String name, String otherwise) {
            return has(name) ? text(name) : otherwise;
        }

        int number(String name, int otherwise) {
            Object value = get(name, None.NONE);
            return value == None.NONE ? otherwise : Values.index(value);
        }
    }
}
