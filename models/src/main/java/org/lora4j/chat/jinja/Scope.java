package org.lora4j.chat.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Names and what they stand for, here and around. */
final class Scope {

    private final @Nullable Scope around;
    private final Run run;
    private final Map<String, Object> names = new HashMap<>();

    /** The outermost. */
    Scope(Run run, Map<String, Object> variables) {
        this.around = null;
        this.run = run;
        names.putAll(variables);
    }

    private Scope(Scope around) {
        this.around = around;
        this.run = around.run;
    }

    Scope inner() {
        return new Scope(this);
    }

    Run run() {
        return run;
    }

    Object get(String name) {
        for (Scope scope = this; scope != null; scope = scope.around) {
            Object value = scope.names.get(name);
            if (value != null) {
                return value;
            }
        }
        return Undefined.name(name);
    }

    void set(String name, Object value) {
        names.put(name, value);
    }
}
