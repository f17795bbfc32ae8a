package org.lora4j.chat.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** {@code namespace()}: the one thing whose attributes a template can set, from within loops too. */
record Namespace(Map<String, Object> attributes) {

    static Namespace of(Arguments arguments) {
        Map<String, Object> attributes = new LinkedHashMap<>();
        for (Object positional : arguments.positional()) {
            if (!(positional instanceof Map<?, ?> map)) {
                throw new JinjaException("namespace() takes mappings and names with values");
            }
            map.forEach((key, value) -> attributes.put(Values.text(key), value));
        }
        attributes.putAll(arguments.named());
        return new Namespace(attributes);
    }
}
