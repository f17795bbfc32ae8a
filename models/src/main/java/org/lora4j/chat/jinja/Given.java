package org.lora4j.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The arguments of a call as they are written. */
record Given(List<Expression> positional, Map<String, Expression> named, List<Expression> unpacked) {

    Arguments in(Scope scope) {
        List<Object> values = new ArrayList<>(ExpressionParser.values(positional, scope));
        Map<String, Object> names = new LinkedHashMap<>();
        named.forEach((name, value) -> names.put(name, value.value(scope)));
        for (Expression more : unpacked) {
            Object value = more.value(scope);
            if (value instanceof Map<?, ?> map) {
                map.forEach((name, item) -> names.put(Values.text(name), item));
            } else {
                values.addAll(Values.items(value));
            }
        }
        return new Arguments(values, names);
    }
}
